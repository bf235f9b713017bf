//! The one function that runs the table, and what it is asked to run.

use crate::{
    row::{Answer, Request, Row},
    sites::Site,
    skips::{Instead, Skip, skips},
    table,
    ways::{Outside, Serve, Way},
};
use std::collections::HashMap;

/// All sites, built in one way.
struct Sites(HashMap<Site, Serve>);

impl Sites {
    async fn built(way: Way, outside: Outside) -> Self {
        let mut sites = HashMap::new();
        for site in Site::ALL {
            let gate = if outside == Outside::Nothing { site.gate() } else { site.cached() };
            sites.insert(site, way.serve(gate, outside).await);
        }
        Self(sites)
    }

    async fn send(&self, request: &Request) -> Answer {
        self.0[&request.site](request.clone().made()).await
    }
}

/// How many rows a way has run, and how many it has listed as not runnable.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    ran: usize,
    listed: usize,
}

async fn run(way: Way, outside: Outside) -> Tally {
    let (sites, skips) = (Sites::built(way, outside).await, skips(way, outside));
    let rows = table::rows();
    skips.iter().for_each(|skip| skip.assert_is_about_some(&rows));
    let (mut tally, mut wrong) = (Tally::default(), Vec::new());
    let mut not_there: HashMap<(Site, &str), (String, Answer)> = HashMap::new();
    for row in &rows {
        let skip = skip_of(row, &skips);
        *if skip.is_none() { &mut tally.ran } else { &mut tally.listed } += 1;
        let expected = match skip.map(|skip| &skip.instead) {
            None => &row.expected,
            Some(Instead::Answer(expected)) => expected,
            Some(Instead::NoSuchPlace) => continue,
        };
        let Row { name, request, .. } = row;
        let answer = sites.send(request).await;
        if sites.send(request).await != answer {
            wrong.push(format!("{name}: another answer to the second of two"));
        }
        let differs = answer.differs_from(expected, request.method);
        wrong.extend(differs.map(|how| format!("{name} ({} {}): {how}", request.method, request.path)));
        // What is hidden looks like what is not there, in every byte.
        if skip.is_none() && row.expected.is_hidden() {
            let (first, seen) =
                not_there.entry((request.site, request.method)).or_insert_with(|| (name.clone(), answer.clone()));
            if *seen != answer {
                wrong.push(format!("{name}: {answer:?}, and {first}: {seen:?}"));
            }
        }
    }
    println!("{way:?}, outside {outside:?}: {} rows, {} listed as not runnable", tally.ran, tally.listed);
    for Skip { rows, reason, .. } in &skips {
        println!("    {}: {reason}", rows.join(" | "));
    }
    assert!(wrong.is_empty(), "{way:?}: {} rows differ:\n{}", wrong.len(), wrong.join("\n"));
    tally
}

/// The one entry of a list that is about a row, if there is one.
fn skip_of<'s>(row: &Row, skips: &'s [Skip]) -> Option<&'s Skip> {
    let mut about = skips.iter().filter(|skip| skip.is_about(row));
    let skip = about.next();
    assert!(about.next().is_none(), "{} is listed twice", row.name);
    skip
}

/// actix-web wants a runtime of its own kind; the others can do with it.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(future)
}

macro_rules! ways {
    ($($test:ident: $way:ident, $outside:ident, $ran:literal rows, $listed:literal listed;)+) => {$(
        #[test]
        fn $test() {
            let tally = block_on(run(Way::$way, Outside::$outside));
            assert_eq!(tally, Tally { ran: $ran, listed: $listed });
        }
    )+};
}

ways! {
    axum_extractor: AxumExtractor, Nothing, 1082 rows, 80 listed;
    axum_layer: AxumLayer, Nothing, 1162 rows, 0 listed;
    axum_routes: AxumRoutes, Nothing, 1160 rows, 2 listed;
    tower_layer: TowerLayer, Nothing, 1087 rows, 75 listed;
    actix_extractor: ActixExtractor, Nothing, 1070 rows, 92 listed;
    actix_middleware: ActixMiddleware, Nothing, 1152 rows, 10 listed;
    actix_routes: ActixRoutes, Nothing, 1150 rows, 12 listed;
    axum_extractor_enforced_and_scrubbed: AxumExtractor, EnforceAndScrub, 1064 rows, 98 listed;
    axum_layer_enforced_and_scrubbed: AxumLayer, EnforceAndScrub, 1162 rows, 0 listed;
    axum_routes_enforced_and_scrubbed: AxumRoutes, EnforceAndScrub, 1160 rows, 2 listed;
    tower_layer_enforced_and_scrubbed: TowerLayer, EnforceAndScrub, 1087 rows, 75 listed;
    actix_extractor_enforced_and_scrubbed: ActixExtractor, EnforceAndScrub, 1052 rows, 110 listed;
    actix_middleware_enforced_and_scrubbed: ActixMiddleware, EnforceAndScrub, 1152 rows, 10 listed;
    actix_routes_enforced_and_scrubbed: ActixRoutes, EnforceAndScrub, 1150 rows, 12 listed;
}
