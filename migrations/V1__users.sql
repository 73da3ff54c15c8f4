-- Accounts: who they are, how they are reached, and what they pay for.
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  phone TEXT,
  xswarm_email TEXT NOT NULL UNIQUE,
  xswarm_phone TEXT,
  subscription_tier TEXT DEFAULT 'free',
  persona TEXT DEFAULT 'hal-9000',
  wake_word TEXT DEFAULT 'hey hal',
  stripe_customer_id TEXT,
  stripe_subscription_id TEXT,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

-- Login looks up by email, an incoming call by phone, a webhook by Stripe customer.
CREATE INDEX idx_users_email ON users(email);
CREATE INDEX idx_users_xswarm_phone ON users(xswarm_phone);
CREATE INDEX idx_users_stripe_customer ON users(stripe_customer_id);
