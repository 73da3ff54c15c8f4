DROP TABLE subscription_items;
