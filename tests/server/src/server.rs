//! A server in this process, on a thread of its own, and the switches that a test has.

use crate::auth::{Access, Keys};
use crate::compaction::Compaction;
use crate::engine::Database;
use crate::faults::{self, Fault, Plan, Rule};
use crate::frames;
use crate::hrana::Streams;
use crate::http::{State, serve};
use crate::log::{Log, Request};
use crate::proxy::Clients;
use crate::queue::{WriteQueue, locked};
use crate::{Auth, Options};
use futures_util::FutureExt;
use hyper::service::{make_service_fn, service_fn};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::oneshot;
use uuid::Uuid;

/// Time that requests have to end when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// How long a port is waited for. One that was free a moment ago may be that of a connection which another process makes.
const FREED: Duration = Duration::from_secs(20);

/// The switches of a server, and its database. Clones are of the same server.
#[derive(Clone)]
pub struct Control {
    state: Arc<State>,
    _folder: Option<Arc<TempDir>>,
}

impl Control {
    /// Opens the database of a server that is to run with these options.
    ///
    /// # Errors
    /// Where the folder or the database in it cannot be made or opened.
    pub fn open(options: Options) -> io::Result<Self> {
        // The client crate insists on configuring the engine's threads before the engine is first used, and
        // panics otherwise; in a test it shares this process.
        libsql::Builder::new_local(":memory:")
            .build()
            .now_or_never()
            .transpose()
            .map_err(io::Error::other)?;
        let (path, folder) = match &options.folder {
            Some(folder) => {
                std::fs::create_dir_all(folder)?;
                (folder.join("data"), None)
            }
            None => {
                let folder = tempfile::Builder::new()
                    .prefix("seedbed-server")
                    .tempdir()?;
                (folder.path().join("data"), Some(Arc::new(folder)))
            }
        };
        let namespaces = options.namespaces.iter().map(|name| {
            let folder = options.folder.as_ref().map(|folder| folder.join(name));
            let options = Options {
                folder,
                namespaces: Vec::new(),
                ..options.clone()
            };
            Ok((name.clone(), Control::open(options)?))
        });
        let namespaces = namespaces.collect::<io::Result<_>>()?;
        let committed = frames::committed(&frames::log_of(&path))?;
        let queue = WriteQueue::new(options.write_window, committed);
        let database = Database::open(path.clone(), queue, options.max_value_bytes)
            .map_err(io::Error::other)?;
        let database = Arc::new(database);
        let keys = match options.auth {
            Auth::Off => None,
            Auth::Token => Some(Keys::generate()?),
        };
        let streams = Streams::new(
            Arc::clone(&database),
            options.max_streams,
            options.stream_expiry,
        );
        Ok(Control {
            state: Arc::new(State {
                options,
                namespaces,
                keys,
                log_id: std::sync::Mutex::new(log_id(&path)?),
                compaction: std::sync::Mutex::default(),
                session: Uuid::new_v4(),
                database,
                streams,
                clients: Clients::default(),
                log: Log::default(),
                plan: Plan::default(),
                kept: std::sync::Mutex::default(),
            }),
            _folder: folder,
        })
    }

    /// A token for this server, valid for `expires_in` seconds from now, or for ever. sqld gives a minute's
    /// grace, so an expired one needs less than -60.
    ///
    /// # Errors
    /// Where the server was started without [`Auth::Token`].
    pub fn token(&self, access: Access, expires_in: Option<i64>) -> io::Result<String> {
        let keys = self.state.keys.as_ref();
        let keys = keys.ok_or_else(|| io::Error::other("this server asks for no token"))?;
        keys.token(access, expires_in).map_err(io::Error::other)
    }

    /// The switches of one of [`Options::namespaces`].
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<Control> {
        self.state.namespaces.get(name).cloned()
    }

    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }

    /// Every request so far, in the order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.state.log.all()
    }

    /// Forgets the requests so far; the next has number 1.
    pub fn clear_requests(&self) {
        self.state.log.clear();
    }

    /// Lets the request of this number, counted from 1 as of now, go wrong. Replaces what was set before.
    pub fn fault(&self, request: u64, fault: Fault) {
        self.faults(vec![Rule {
            request: Some(request),
            path: None,
            fault,
        }]);
    }

    /// Lets the requests that these rules name go wrong, counted as of now. Replaces what was set before.
    pub fn faults(&self, rules: Vec<Rule>) {
        self.state.plan.set(Some(faults::by_rules(rules)));
    }

    /// Asks `decide` about each request to come. Replaces what was set before.
    pub fn plan(&self, decide: impl FnMut(&Request) -> Option<Fault> + Send + 'static) {
        self.state.plan.set(Some(Box::new(decide)));
    }

    /// From now on nothing goes wrong.
    pub fn no_faults(&self) {
        self.state.plan.set(None);
    }

    /// Expires every stream that no request is using; what they had open is rolled back.
    pub fn expire_streams(&self) {
        self.state.streams.expire_all();
    }

    /// How many connections wait for the write lock just now.
    #[must_use]
    pub fn waiting_writers(&self) -> usize {
        self.state.database.queue().waiting()
    }

    /// The database file, to be looked at by other means. Its log must not be checkpointed.
    #[must_use]
    pub fn database(&self) -> &Path {
        self.state.database.path()
    }

    /// Gives the log a new id, as sqld does where it starts after a crash.
    ///
    /// # Errors
    /// Where the file of the id cannot be written.
    pub fn renew_log(&self) -> io::Result<()> {
        let id = Uuid::new_v4();
        std::fs::write(id_file(self.database()), id.to_string())?;
        *locked(&self.state.log_id) = id;
        Ok(())
    }

    /// Copies the database, its log and the id of that into a folder, for another server to be started on: a primary
    /// that is put back to an older state. No request may be under way.
    ///
    /// # Errors
    /// Where a file cannot be copied.
    pub fn copy_to(&self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let database = self.database();
        for file in [
            database.to_owned(),
            frames::log_of(database),
            id_file(database),
        ] {
            if let Some(name) = file.file_name().filter(|_| file.exists()) {
                std::fs::copy(&file, folder.join(name))?;
            }
        }
        Ok(())
    }

    /// Takes all frames so far out of the log that replicas read by protocol V1: only a snapshot has them. The first
    /// `missing` requests for it come while it is being written, and find none.
    pub fn compact(&self, missing: u32) {
        let until = self.replication_index().map_or(0, |last| last + 1);
        *locked(&self.state.compaction) = Compaction { until, missing };
    }

    /// Number of the last committed frame, from 0; none in an empty database.
    #[must_use]
    pub fn replication_index(&self) -> Option<u64> {
        self.state.database.queue().last_frame()
    }
}

/// Serves `control` on `listener` until `shutdown` is ready. Requests under way then have two seconds.
///
/// # Errors
/// Where `listener` is bound beyond this machine, or cannot be used.
pub async fn run(
    listener: TcpListener,
    control: Control,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    loopback(listener.local_addr()?)?;
    listener.set_nonblocking(true)?;
    let state = Arc::clone(&control.state);
    let service = make_service_fn(move |_| {
        let state = Arc::clone(&state);
        async move {
            Ok::<_, Infallible>(service_fn(move |request| {
                serve(Arc::clone(&state), request)
            }))
        }
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let server = hyper::Server::from_tcp(listener)
        .map_err(io::Error::other)?
        .http1_only(true)
        .tcp_nodelay(true)
        .serve(service)
        .with_graceful_shutdown(async {
            // A sender that is gone means the same.
            let _ = stopped.await;
        });
    tokio::pin!(server, shutdown);
    tokio::select! {
        done = &mut server => return done.map_err(io::Error::other),
        () = &mut shutdown => {}
    }
    let _ = stop.send(());
    control.state.database.queue().close();
    for namespace in control.state.namespaces.values() {
        namespace.state.database.queue().close();
    }
    // A connection that is not done by then is closed.
    let _ = tokio::time::timeout(GRACE, server).await;
    for of in control.state.namespaces.values().chain([&control]) {
        of.state.streams.close();
        of.state.clients.clear();
    }
    Ok(())
}

/// The id of the log, which stays with the database: a replica of another one has to start afresh.
fn log_id(database: &Path) -> io::Result<Uuid> {
    let path = id_file(database);
    match std::fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let id = Uuid::new_v4();
            std::fs::write(&path, id.to_string())?;
            Ok(id)
        }
        Err(error) => Err(error),
    }
}

fn id_file(database: &Path) -> PathBuf {
    database.with_extension("log_id")
}

/// Binds to an address of this machine. Port 0 is any free port.
///
/// # Errors
/// Where other machines could reach the address, or it stays taken.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    loopback(address)?;
    let until = Instant::now() + FREED;
    loop {
        match TcpListener::bind(address) {
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse
                    && address.port() != 0
                    && Instant::now() < until =>
            {
                std::thread::sleep(Duration::from_millis(20));
            }
            bound => return bound,
        }
    }
}

fn loopback(address: SocketAddr) -> io::Result<()> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("{address} is reachable from other machines; only loopback is served"),
    ))
}

/// A server that runs until it is dropped.
pub struct Server {
    control: Control,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server on a free port of this machine, on a thread of its own.
    ///
    /// # Errors
    /// Where there is no port, thread or folder to be had.
    pub fn start(options: Options) -> io::Result<Self> {
        Server::start_on((Ipv4Addr::LOCALHOST, 0).into(), options)
    }

    /// Starts a server at this address, as after a restart.
    ///
    /// # Errors
    /// As [`Server::start`], and where the address is taken or not of this machine.
    pub fn start_on(address: SocketAddr, options: Options) -> io::Result<Self> {
        let listener = listen(address)?;
        let address = listener.local_addr()?;
        let control = Control::open(options)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("test-server")
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = control.clone();
        let thread = std::thread::Builder::new().spawn(move || {
            let shutdown = async {
                let _ = stopped.await;
            };
            // It can only fail before it serves, and then no request is answered.
            let _ = runtime.block_on(run(listener, serving, shutdown));
            runtime.shutdown_timeout(GRACE);
        })?;
        Ok(Server {
            control,
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens: `http://127.0.0.1:49152`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The switches, to be taken elsewhere.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }
}

impl Deref for Server {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
