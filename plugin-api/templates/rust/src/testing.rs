//! A host for unit tests: it gives a plugin what a worker would, through the same C tables, and records what comes of it.
//! It checks nothing; `forklift call` and `forklift serve` do.

use crate::forklift::{self, raw, Host, Plugin};
use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int, c_short, c_uint, c_void};
use std::ptr;

/// A host with these settings, by their paths. What is logged goes to standard error.
pub struct TestHost {
    tables: Box<Tables>,
}

#[repr(C)]
struct Tables {
    host: raw::Host,
    settings: SettingsTable,
}

// The functions get the table alone; what they need stands behind it.
#[repr(C)]
struct SettingsTable {
    table: raw::Settings,
    texts: Vec<(CString, CString)>,
}

impl TestHost {
    pub fn new(settings: &[(&str, &str)]) -> TestHost {
        let texts = settings.iter().map(|(path, text)| (c_string(path), c_string(text))).collect();
        let mut tables = Box::new(Tables {
            host: raw::Host {
                version: raw::Version::of::<raw::Host>(),
                app: b"test\0".as_ptr() as *const c_char,
                generation: 1,
                settings: ptr::null(),
                log,
                refuse,
                service,
            },
            settings: SettingsTable {
                table: raw::Settings { version: raw::Version::of::<raw::Settings>(), kind, get, count, name },
                texts,
            },
        });
        tables.host.settings = &tables.settings.table;
        TestHost { tables }
    }

    pub fn host(&self) -> Host {
        unsafe { Host::new(&self.tables.host) }
    }
}

/// What came of a request.
pub struct Response {
    pub result: Result<(), String>, // the reason that was given to the host; empty where a call has failed
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

#[repr(C)]
struct EnvTable {
    table: raw::Env,
    texts: Vec<(CString, CString)>,
}

#[repr(C)]
struct BodyTable {
    table: raw::Body,
    rest: Vec<u8>,
}

#[repr(C)]
struct OutTable {
    table: raw::Out,
    response: Response,
    reason: String,
}

/// One request, with the variables that follow from it: REQUEST_METHOD, REQUEST_URI, DOCUMENT_URI, QUERY_STRING,
/// CONTENT_LENGTH.
pub fn produce<P: Plugin>(plugin: &mut P, method: &str, uri: &str, body: &[u8]) -> Response {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let length = body.len().to_string();
    let texts: Vec<(CString, CString)> = [
        ("CONTENT_LENGTH", length.as_str()),
        ("REQUEST_METHOD", method),
        ("REQUEST_URI", uri),
        ("DOCUMENT_URI", path),
        ("QUERY_STRING", query),
    ]
    .iter()
    .map(|(n, v)| (c_string(n), c_string(v)))
    .collect();
    let variables: Vec<raw::Variable> = texts
        .iter()
        .map(|(n, v)| raw::Variable {
            name: n.as_ptr(),
            name_size: n.as_bytes().len(),
            value: v.as_ptr(),
            value_size: v.as_bytes().len(),
        })
        .collect();
    let version = raw::Version::of::<raw::Env>();
    let env = EnvTable {
        table: raw::Env { version, count: variables.len(), variables: variables.as_ptr(), get: get_variable },
        texts,
    };
    let mut body = BodyTable {
        table: raw::Body { version: raw::Version::of::<raw::Body>(), length: body.len() as u64, read, try_read: read },
        rest: body.to_vec(),
    };
    let mut out = OutTable {
        table: raw::Out {
            version: raw::Version::of::<raw::Out>(),
            begin,
            write,
            try_write,
            flush,
            try_flush: flush,
            send_file,
            wait,
            alive,
            fail,
        },
        response: Response { result: Ok(()), status: 0, headers: Vec::new(), body: Vec::new() },
        reason: String::new(),
    };
    // From a pointer to the whole: the functions look behind the table.
    let result = unsafe {
        forklift::produce::<P>(
            plugin as *mut P as *mut c_void,
            &env as *const EnvTable as *const raw::Env,
            &mut body as *mut BodyTable as *mut raw::Body,
            &mut out as *mut OutTable as *mut raw::Out,
        )
    };
    if result != 0 {
        out.response.result = Err(out.reason);
    }
    out.response
}

fn c_string(text: &str) -> CString {
    CString::new(text).expect("a text with a NUL byte in it")
}

fn find(texts: &[(CString, CString)], name: &CStr, size: *mut usize) -> *const c_char {
    let found = texts.iter().find(|(n, _)| n.as_c_str() == name);
    unsafe {
        if !size.is_null() {
            *size = found.map_or(0, |(_, value)| value.as_bytes().len());
        }
    }
    found.map_or(ptr::null(), |(_, value)| value.as_ptr())
}

unsafe fn text(text: *const c_char) -> String {
    CStr::from_ptr(text).to_string_lossy().into_owned()
}

unsafe extern "C" fn kind(settings: *const raw::Settings, path: *const c_char) -> c_int {
    c_int::from(!get(settings, path, ptr::null_mut()).is_null())
}
unsafe extern "C" fn get(settings: *const raw::Settings, path: *const c_char, size: *mut usize) -> *const c_char {
    find(&(*(settings as *const SettingsTable)).texts, CStr::from_ptr(path), size)
}
unsafe extern "C" fn count(_: *const raw::Settings, _: *const c_char) -> usize {
    0
}
unsafe extern "C" fn name(_: *const raw::Settings, _: *const c_char, _: usize) -> *const c_char {
    ptr::null()
}
unsafe extern "C" fn log(_: *const raw::Host, level: c_int, message: *const c_char) {
    eprintln!("log, level {}: {}", level, text(message));
}
unsafe extern "C" fn refuse(_: *const raw::Host, _: *const c_char, reason: *const c_char) {
    eprintln!("refused: {}", text(reason));
}
unsafe extern "C" fn service(_: *const raw::Host, _: *const c_char) -> *const c_void {
    ptr::null()
}

unsafe extern "C" fn get_variable(env: *const raw::Env, name: *const c_char, size: *mut usize) -> *const c_char {
    find(&(*(env as *const EnvTable)).texts, CStr::from_ptr(name), size)
}

unsafe extern "C" fn read(body: *mut raw::Body, buffer: *mut c_void, size: usize) -> i64 {
    let rest = &mut (*(body as *mut BodyTable)).rest;
    let count = size.min(rest.len());
    ptr::copy_nonoverlapping(rest.as_ptr(), buffer as *mut u8, count);
    rest.drain(..count);
    count as i64
}

unsafe fn response_of<'a>(out: *mut raw::Out) -> &'a mut Response {
    &mut (*(out as *mut OutTable)).response
}
unsafe extern "C" fn begin(out: *mut raw::Out, status: c_int, headers: *const raw::Header, count: usize) -> c_int {
    let response = response_of(out);
    response.status = status as u16;
    for i in 0..count {
        let header = &*headers.add(i);
        response.headers.push((text(header.name), text(header.value)));
    }
    0
}
unsafe extern "C" fn write(out: *mut raw::Out, data: *const c_void, size: usize) -> c_int {
    response_of(out).body.extend_from_slice(std::slice::from_raw_parts(data as *const u8, size));
    0
}
unsafe extern "C" fn try_write(out: *mut raw::Out, data: *const c_void, size: usize) -> i64 {
    write(out, data, size);
    size as i64
}
unsafe extern "C" fn flush(_: *mut raw::Out) -> c_int {
    0
}
unsafe extern "C" fn send_file(_: *mut raw::Out, _: c_int, _: u64, _: u64) -> c_int {
    panic!("send_file is not there in unit tests")
}
unsafe extern "C" fn wait(_: *mut raw::Out, interest: c_uint, polls: *mut raw::Poll, n: usize, _: c_int) -> c_int {
    for i in 0..n {
        (*polls.add(i)).revents = 0 as c_short;
    }
    (interest & !4) as c_int // all but FORKLIFT_WAIT_GONE
}
unsafe extern "C" fn alive(_: *mut raw::Out) {}
unsafe extern "C" fn fail(out: *mut raw::Out, message: *const c_char) {
    (*(out as *mut OutTable)).reason = text(message);
}

