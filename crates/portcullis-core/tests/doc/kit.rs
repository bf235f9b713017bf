// Included by the examples in the documentation: a request, a gate with projects, and its answer to a request.

pub use portcullis_core::{Error, policy::*, testing::*, *};
use std::{borrow::Cow, net::IpAddr};

/// The head of a request.
#[derive(Debug, Clone, Default)]
pub struct Request {
    method: &'static str,
    path: String,
    query: Option<String>,
    headers: Vec<(String, String)>,
    params: Vec<(&'static str, String)>,
    peer: Option<IpAddr>,
}

pub fn get(target: &str) -> Request {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    Request { method: "GET", path: path.to_owned(), query: query.map(str::to_owned), ..Request::default() }
}

pub fn post(target: &str) -> Request {
    Request { method: "POST", ..get(target) }
}

/// A request to the route `/projects/{project_id}`.
pub fn project(id: u32) -> Request {
    get(&format!("/projects/{id}")).param("project_id", id)
}

impl Request {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// The address of the connection.
    pub fn peer(mut self, address: &str) -> Self {
        self.peer = address.parse().ok();
        self
    }

    pub fn param(mut self, name: &'static str, value: impl ToString) -> Self {
        self.params.push((name, value.to_string()));
        self
    }
}

impl RequestHead for Request {
    fn method(&self) -> &str {
        self.method
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn each_header<'a>(&'a self, name: &str, see: &mut dyn FnMut(&'a [u8])) {
        self.headers.iter().filter(|(found, _)| found == name).for_each(|(_, value)| see(value.as_bytes()));
    }

    fn headers<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.headers.iter().for_each(|(name, value)| see(name, value.as_bytes()));
    }

    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, Error> {
        Ok(self.params.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str().into()))
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        Ok(self.params.iter().map(|(name, _)| (*name).into()).collect())
    }

    fn peer(&self) -> Option<IpAddr> {
        self.peer
    }
}

/// Who has which role on which of the projects 1 to 9.
#[derive(Debug)]
pub struct Projects(pub &'static [(&'static str, u32, &'static str)]);

impl Membership for Projects {
    type Id = u32;

    async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
        let found = self.0.iter().find(|(name, project, _)| *name == who.id().subject() && project == id);
        Ok(if (1..=9).contains(id) { found.map(|(_, _, role)| *role).into() } else { Standing::missing() })
    }
}

/// The standing of every caller, by the number of the resource.
#[derive(Debug)]
pub struct By(pub fn(u32) -> Standing);

impl Membership for By {
    type Id = u32;

    async fn standing(&self, _: &Principal, id: &u32) -> Result<Standing, Error> {
        Ok(self.0(*id))
    }
}

/// A gate for tokens of a test issuer, with three roles, that is still to be built.
pub fn builder() -> Result<GateBuilder, Error> {
    let roles = RoleHierarchy::ranked(["viewer", "manager", "owner"])?;
    Ok(Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer()).roles(roles))
}

pub fn gate(roles: &'static [(&'static str, u32, &'static str)]) -> Result<Gate, Error> {
    builder()?.membership("project", Projects(roles)).build()
}

/// The answer to a request: `200`, or the status and code of the error.
pub fn answer(gate: &Gate, policy: impl Policy + 'static, request: Request) -> String {
    let decided = async {
        let plan = gate.plan(policy)?;
        let who = gate.establish_for(&plan, &request).await;
        gate.authorize(&who, &plan, &request).await
    };
    match now(decided) {
        Ok(_) => "200".to_owned(),
        Err(error) => format!("{} {}", error.status(), error.code()),
    }
}

pub fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
