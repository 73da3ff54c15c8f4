//! Two setup guides for Turso, step by step as they stand: their `config.toml`, `.env`, schema, rows and commands, on a
//! server with TLS under the name that the guide gives it. The snippets are copies.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use seedbed_test_server::{Access, Auth, Options, Server};
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::process::Ran;
use crate::project::Project;
use crate::proxy::Forward;
use crate::server::ours;

const CONFIG: &str = r#"[turso]
database_name = "xswarm-users"
organization = "your-org"  # From database URL
database_url = "libsql://xswarm-users-your-org.turso.io"
primary_region = "sjc"
replica_regions = ["iad", "fra", "nrt"]

[turso.local_replica]
enabled = true
sync_interval_seconds = 60
local_db_path = "~/.local/share/xswarm/users.db"

[turso.backup]
enabled = true
retention_days = 30
"#;

const SCHEMA: &str = "-- Users table
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

-- Indexes for fast lookups
CREATE INDEX idx_users_email ON users(email);
CREATE INDEX idx_users_xswarm_phone ON users(xswarm_phone);
CREATE INDEX idx_users_stripe_customer ON users(stripe_customer_id);

-- Subscription items table (for metered billing)
CREATE TABLE subscription_items (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  subscription_id TEXT NOT NULL,
  voice_item_id TEXT,
  sms_item_id TEXT,
  FOREIGN KEY (user_id) REFERENCES users(id)
);

-- Usage tracking table (current billing period)
CREATE TABLE usage (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  period_start TIMESTAMP NOT NULL,
  period_end TIMESTAMP NOT NULL,
  voice_minutes INTEGER DEFAULT 0,
  sms_messages INTEGER DEFAULT 0,
  phone_numbers INTEGER DEFAULT 0,
  FOREIGN KEY (user_id) REFERENCES users(id)
);

CREATE INDEX idx_usage_user_period ON usage(user_id, period_start);
";

const ROWS: &str = "-- Test user
INSERT INTO users (
  id,
  email,
  phone,
  xswarm_email,
  xswarm_phone,
  subscription_tier
) VALUES (
  'test-123',
  'test@example.com',
  '+15551234567',
  'test@xswarm.ai',
  '+18005551001',
  'premium'
);

-- Admin user
INSERT INTO users (
  id,
  email,
  phone,
  xswarm_email,
  subscription_tier
) VALUES (
  'admin-456',
  'admin@xswarm.dev',
  '+15559876543',
  'admin@xswarm.ai',
  'enterprise'
);
";

const POLICY: &str = "CREATE POLICY user_isolation ON users
  USING (auth.user_id() = id);
";

/// TLS in front of a server of this machine.
struct Tls {
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Tls {
    fn before(server: &Server) -> Tls {
        let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/turso.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/turso.key")).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let server = server.address();
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut client) = acceptor.accept(client).await else {
                        return;
                    };
                    let mut server = tokio::net::TcpStream::connect(server).await.unwrap();
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                    let _ = client.shutdown().await;
                });
            }
        });
        Tls {
            address,
            _runtime: runtime,
        }
    }
}

/// A server that asks for a token, and the proxy before it.
struct Turso {
    server: Server,
    token: String,
    forward: Forward,
    _tls: Tls,
}

impl Turso {
    fn start() -> Turso {
        let server = ours(Options {
            auth: Auth::Token,
            ..Options::default()
        });
        let token = server.token(Access::Full, None).unwrap();
        let tls = Tls::before(&server);
        // The name is the proxy's to look up.
        let forward = Forward::to(Some(tls.address));
        Turso {
            server,
            token,
            forward,
            _tls: tls,
        }
    }

    /// A project on a machine that finds the server under the name of the guide.
    fn project(&self) -> Project {
        let project = Project::new();
        let authority = project.path("authority.pem");
        let authority = authority.to_str().unwrap().to_owned();
        project
            .file("authority.pem", include_bytes!("tls/authority.pem"))
            .env("SSL_CERT_FILE", &authority)
            .env("HTTPS_PROXY", &format!("http://{}", self.forward.address))
    }

    fn good(&self, project: &Project, line: &str) -> Ran {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
        assert!(!ran.to_string().contains(&self.token), "{ran}");
        ran
    }
}

#[test]
fn the_setup_guide() {
    let turso = Turso::start();
    let project = turso
        .project()
        .file("config.toml", CONFIG)
        .file(
            ".env",
            format!("# .env\nTURSO_AUTH_TOKEN={}\n", turso.token),
        )
        .migration("V1__schema", SCHEMA)
        .migration("V2__test_data", ROWS);
    std::fs::create_dir_all(project.path(".local/share/xswarm")).unwrap();
    let good = |line: &str| turso.good(&project, line);

    // Get connection details.
    let shown = good("config");
    for value in [
        "xswarm-users",
        "your-org",
        "sjc",
        "iad, fra, nrt",
        "60 s",
        "***",
    ] {
        assert!(shown.stdout.contains(value), "{shown}");
    }
    good("doctor");
    good("check");

    // Create tables, insert test data. Without a terminal, a change of the primary needs a yes.
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(
        ran.stderr
            .contains("libsql://xswarm-users-your-org.turso.io"),
        "{ran}"
    );
    let ran = good("migrate --yes");
    assert!(ran.stderr.contains("turso db create"), "{ran}");
    good("status --exit-code");

    // The local replica is a file in the home folder.
    let replica = ".local/share/xswarm/users.db";
    assert!(project.bytes(replica).is_some(), "{:?}", project.files());
    let ran = good("inspect");
    assert!(ran.stdout.contains("subscription_items"), "{ran}");

    // Reset the local replica: it is synced again.
    project.remove(replica);
    good("replica reset");
    // Nothing is there any more, and that is no error.
    good("replica reset");
    good("sync");
    assert!(project.bytes(replica).is_some());

    // Manual backups.
    good("backup");
    good("export backup.sql");
    assert!(project.read("backup.sql").contains("admin-456"));

    // Migration from SQLite: the same rows, verified, into another database.
    let other = Turso::start();
    let other_project = other
        .project()
        .file("data.sql", project.read("backup.sql"))
        .file("config.toml", CONFIG)
        .env("TURSO_AUTH_TOKEN", &other.token);
    std::fs::create_dir_all(other_project.path(".local/share/xswarm")).unwrap();
    other.good(&other_project, "import data.sql --verify full --yes");

    // Performance issues.
    let statement = "SELECT * FROM users WHERE email = 'alice@example.com'";
    let mut explain = project.command("explain");
    explain.arg(statement);
    let ran = project.start(explain, "explain …").finish();
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains("users"), "{ran}");

    // libSQL has no policies, and says what to do instead.
    project.write("migrations/V3__policy.sql", POLICY);
    let ran = project.run("migrate --yes");
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("no row-level security"), "{ran}");

    // Everything went to the name of the guide, encrypted.
    let asked = turso.forward.asked();
    let tunnel = "CONNECT xswarm-users-your-org.turso.io:443 HTTP/1.1";
    assert!(asked.iter().all(|line| line == tunnel), "{asked:?}");
    assert!(!turso.server.requests().is_empty());
}

#[test]
fn the_guide_to_embedded_replicas() {
    let turso = Turso::start();
    let env = |switches: &str, rest: &str| {
        format!(
            "{switches}TURSO_DATABASE_URL=libsql://your-db.turso.io\nTURSO_AUTH_TOKEN={}\n{rest}",
            turso.token
        )
    };
    let project = turso.project().migration(
        "V1__trades",
        "CREATE TABLE trades (id INTEGER PRIMARY KEY, symbol TEXT NOT NULL);\n",
    );
    let good = |line: &str| turso.good(&project, line);

    // Configure environment variables.
    let file = "\n# Local replica file (optional - defaults to trades_replica.db)\nEMBEDDED_REPLICA_FILE=trades_replica.db\n";
    project.write(".env", env("# Enable embedded replica mode\nUSE_EMBEDDED_REPLICA=YES\n\n# Turso credentials (from step 2)\n", file));
    good("migrate --yes");
    assert!(project.bytes("trades_replica.db").is_some());

    // Start fresh: remove the files as the guide does, and sync.
    for file in project.files() {
        if file.starts_with("trades_replica.db") {
            project.remove(&file);
        }
    }
    good("sync");
    good("replica status");
    good("status --exit-code");

    // Local development.
    project.write(".env", env("USE_TURSO=NO\nUSE_EMBEDDED_REPLICA=YES\n", ""));
    good("sync");
    // Production.
    project.write(".env", env("USE_TURSO=YES\nUSE_EMBEDDED_REPLICA=NO\n", ""));
    let ran = good("status --exit-code");
    assert!(
        ran.stderr
            .contains("target: remote libsql://your-db.turso.io"),
        "{ran}"
    );
    // Local development without sync.
    project.write(
        ".env",
        "USE_TURSO=NO\nUSE_EMBEDDED_REPLICA=NO\n# Uses local trades.db file\n",
    );
    let before = turso.server.requests().len();
    let ran = good("migrate");
    assert!(ran.stderr.contains("target: local"), "{ran}");
    assert_eq!(turso.server.requests().len(), before);

    // The error of the troubleshooting section.
    project.write(".env", "USE_EMBEDDED_REPLICA=YES\n");
    let ran = project.run("sync");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(
        ran.stderr.contains("TURSO_DATABASE_URL must be set"),
        "{ran}"
    );
}
