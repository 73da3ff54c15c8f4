-- What each user subscribes to, for metered billing.
CREATE TABLE subscription_items (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  subscription_id TEXT NOT NULL,
  voice_item_id TEXT,
  sms_item_id TEXT,
  FOREIGN KEY (user_id) REFERENCES users(id)
);
