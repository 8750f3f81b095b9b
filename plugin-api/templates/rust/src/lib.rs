//! @NAME@: a Forklift plugin. `forklift/plugin.h` says of every function what it does, who may call it and when.

mod forklift;
#[cfg(test)]
mod testing;

use forklift::{Body, Env, Failure, Host, Out, Plugin, Refusal};

/// What a worker keeps from one request to the next. Each worker is a process with its own.
struct @CLASS@ {
    greeting: String,
    requests: u64,
}

impl Plugin for @CLASS@ {
    /// Once a worker, before its first request. A refusal is told with the file, line and column of the setting.
    fn create(host: &Host) -> Result<Self, Refusal> {
        let greeting = host.setting("greeting").unwrap_or_else(|| "Hello".to_string());
        if greeting.is_empty() {
            return Err(Refusal::of("greeting", "must not be empty"));
        }
        Ok(@CLASS@ { greeting, requests: 0 })
    }

    /// Once a request. What is not read of the body is thrown away.
    fn produce(&mut self, env: &Env, _body: &mut Body, out: &mut Out) -> Result<(), Failure> {
        let headers = [("Content-Type", "text/plain; charset=utf-8")];
        if env.get("DOCUMENT_URI") != Some(b"/") {
            out.begin(404, &headers)?;
            return out.write(b"There is no such page.\n");
        }
        self.requests += 1;
        out.begin(200, &headers)?;
        out.write(format!("{}, request {} of this worker\n", self.greeting, self.requests).as_bytes())
    }
}

forklift_plugin!(@CLASS@, "@NAME@", "1.0");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, produce};

    #[test]
    fn greets() {
        let host = testing::TestHost::new(&[("greeting", "Salut")]);
        let mut plugin = @CLASS@::create(&host.host()).unwrap();
        let page = produce(&mut plugin, "GET", "/", b"");
        assert_eq!(page.result, Ok(()));
        assert_eq!(page.status, 200);
        assert_eq!(page.header("Content-Type"), Some("text/plain; charset=utf-8"));
        assert_eq!(page.body, b"Salut, request 1 of this worker\n");
        assert_eq!(produce(&mut plugin, "GET", "/", b"").body, b"Salut, request 2 of this worker\n");
    }

    #[test]
    fn knows_one_page() {
        let host = testing::TestHost::new(&[]);
        let mut plugin = @CLASS@::create(&host.host()).unwrap();
        assert_eq!(produce(&mut plugin, "GET", "/?a=b", b"").status, 200);
        assert_eq!(produce(&mut plugin, "GET", "/elsewhere", b"").status, 404);
    }

    #[test]
    fn refuses_an_empty_greeting() {
        let host = testing::TestHost::new(&[("greeting", "")]);
        let refused = @CLASS@::create(&host.host()).err().unwrap();
        assert_eq!(refused, Refusal::of("greeting", "must not be empty"));
    }
}
