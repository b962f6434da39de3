//! An attacker who can write to Redis.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;

/// A reply of Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Nothing,
    Text(Vec<u8>),
    Number(i64),
    Error(String),
    List(Vec<Reply>),
}

/// A connection to Redis, without any of the service's keys.
pub struct Intruder(Mutex<BufReader<TcpStream>>);

impl Intruder {
    /// Connects to a server without a password.
    pub fn at(url: &str) -> Self {
        let address = url.strip_prefix("redis://").expect("a URL without TLS");
        let address = address.split('/').next().expect("an address");
        let stream = TcpStream::connect(address).expect("Redis answers");
        Self(Mutex::new(BufReader::new(stream)))
    }

    /// Sends a command.
    pub fn command(&self, words: &[&[u8]]) -> Reply {
        let mut text = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            text.extend(format!("${}\r\n", word.len()).into_bytes());
            text.extend(*word);
            text.extend(b"\r\n");
        }
        let mut stream = self.0.lock().expect("sound");
        stream.get_mut().write_all(&text).expect("sent");
        read(&mut stream)
    }

    /// Sends a command that must succeed.
    pub fn does(&self, words: &[&[u8]]) -> Reply {
        let reply = self.command(words);
        assert!(!matches!(reply, Reply::Error(_)), "{reply:?}");
        reply
    }

    pub fn get(&self, name: &[u8]) -> Option<Vec<u8>> {
        match self.does(&[b"GET", name]) {
            Reply::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Stores it without an expiry.
    pub fn set(&self, name: &[u8], value: &[u8]) {
        self.does(&[b"SET", name, value]);
    }

    /// The names that begin so.
    pub fn names(&self, prefix: &str) -> Vec<Vec<u8>> {
        let Reply::List(names) = self.does(&[b"KEYS", format!("{prefix}*").as_bytes()]) else {
            panic!("no list");
        };
        let names = names.into_iter().map(|name| match name {
            Reply::Text(name) => name,
            other => panic!("{other:?}"),
        });
        names.collect()
    }

    /// Reads a message that was published.
    pub fn message(&self) -> Reply {
        read(&mut self.0.lock().expect("sound"))
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> Reply {
    let mut line = String::new();
    stream.read_line(&mut line).expect("answered");
    let (kind, rest) = line.trim_end().split_at(1);
    let length = || usize::try_from(rest.parse::<i64>().expect("a number")).ok();
    match kind {
        "+" => Reply::Text(rest.as_bytes().to_vec()),
        "-" => Reply::Error(rest.to_owned()),
        ":" => Reply::Number(rest.parse().expect("a number")),
        "$" => length().map_or(Reply::Nothing, |length| {
            let mut text = vec![0; length + 2];
            stream.read_exact(&mut text).expect("answered");
            text.truncate(length);
            Reply::Text(text)
        }),
        "*" => length().map_or(Reply::Nothing, |length| {
            Reply::List((0..length).map(|_| read(stream)).collect())
        }),
        other => panic!("not understood: {other}"),
    }
}
