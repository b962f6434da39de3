//! nginx in front of a server.

use std::path::Path;
use std::process::Command;

use testkit::process::Process;

use super::harness::{http, until};

/// A running nginx. Killed when dropped.
pub struct Nginx {
    process: Process,
    /// Where it listens, as a URL.
    pub base: String,
}

impl Nginx {
    /// Starts it in this folder with these `server` blocks, one of which listens on this port, and waits
    /// until `health`, a path, answers.
    pub async fn start(folder: &Path, port: u16, servers: &str, health: &str) -> Self {
        let file = folder.join("nginx.conf");
        let place = folder.display();
        // One process: workers would outlive a master that is killed.
        let whole = format!(
            "daemon off; master_process off; pid {place}/nginx.pid; events {{}}\n\
             http {{ access_log off; client_body_temp_path {place}/body;\n\
             proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u;\n\
             scgi_temp_path {place}/s;\n{servers} }}"
        );
        std::fs::write(&file, whole).expect("written");
        // `NGINX` would be a list of sockets to it.
        let program = std::env::var("NGINX_PROGRAM")
            .expect("NGINX_PROGRAM must name the program: run scripts/test");
        let mut command = Command::new(program);
        command.args(["-e", "stderr", "-c"]).arg(&file);
        let process = Process::start("nginx", &mut command, folder).expect("nginx starts");
        let mut nginx = Self {
            process,
            base: format!("http://127.0.0.1:{port}"),
        };
        nginx.wait(health).await;
        nginx
    }

    async fn wait(&mut self, health: &str) {
        let url = format!("{}{health}", self.base);
        until("nginx answers", || {
            let ended = self.process.ended().expect("known");
            assert!(ended.is_none(), "{}", self.process.output());
            let request = http().get(&url);
            async move {
                let answer = request.send().await;
                answer.is_ok_and(|answer| answer.status() == 200)
            }
        })
        .await;
    }
}
