//! The plugin API (`forklift/plugin.h`, 1.0) in Rust. `raw` has the C structs, as they lie in memory; around them are types
//! that a plugin uses without `unsafe`. What is in `raw` and not wrapped yet is for you to wrap where you need it.

#![allow(dead_code)]

use std::ffi::{CStr, CString};
use std::marker::PhantomData;
use std::os::raw::{c_char, c_int, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;

pub mod raw {
    use std::os::raw::{c_char, c_int, c_short, c_uint, c_void};

    pub const MAJOR: u16 = 1;
    pub const MINOR: u16 = 0;

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct Version {
        pub size: u32,
        pub major: u16,
        pub minor: u16,
    }

    impl Version {
        /// Of a table of this type.
        pub const fn of<T>() -> Version {
            Version { size: std::mem::size_of::<T>() as u32, major: MAJOR, minor: MINOR }
        }
    }

    #[repr(C)]
    pub struct Variable {
        pub name: *const c_char,
        pub name_size: usize,
        pub value: *const c_char,
        pub value_size: usize,
    }

    #[repr(C)]
    pub struct Env {
        pub version: Version,
        pub count: usize,
        pub variables: *const Variable,
        pub get: unsafe extern "C" fn(*const Env, *const c_char, *mut usize) -> *const c_char,
    }

    #[repr(C)]
    pub struct Body {
        pub version: Version,
        pub length: u64,
        pub read: unsafe extern "C" fn(*mut Body, *mut c_void, usize) -> i64,
        pub try_read: unsafe extern "C" fn(*mut Body, *mut c_void, usize) -> i64,
    }

    #[repr(C)]
    pub struct Header {
        pub name: *const c_char,
        pub value: *const c_char,
    }

    #[repr(C)]
    pub struct Poll {
        pub fd: c_int,
        pub events: c_short,
        pub revents: c_short,
    }

    #[repr(C)]
    pub struct Out {
        pub version: Version,
        pub begin: unsafe extern "C" fn(*mut Out, c_int, *const Header, usize) -> c_int,
        pub write: unsafe extern "C" fn(*mut Out, *const c_void, usize) -> c_int,
        pub try_write: unsafe extern "C" fn(*mut Out, *const c_void, usize) -> i64,
        pub flush: unsafe extern "C" fn(*mut Out) -> c_int,
        pub try_flush: unsafe extern "C" fn(*mut Out) -> c_int,
        pub send_file: unsafe extern "C" fn(*mut Out, c_int, u64, u64) -> c_int,
        pub wait: unsafe extern "C" fn(*mut Out, c_uint, *mut Poll, usize, c_int) -> c_int,
        pub alive: unsafe extern "C" fn(*mut Out),
        pub fail: unsafe extern "C" fn(*mut Out, *const c_char),
    }

    #[repr(C)]
    pub struct Settings {
        pub version: Version,
        pub kind: unsafe extern "C" fn(*const Settings, *const c_char) -> c_int,
        pub get: unsafe extern "C" fn(*const Settings, *const c_char, *mut usize) -> *const c_char,
        pub count: unsafe extern "C" fn(*const Settings, *const c_char) -> usize,
        pub name: unsafe extern "C" fn(*const Settings, *const c_char, usize) -> *const c_char,
    }

    #[repr(C)]
    pub struct Host {
        pub version: Version,
        pub app: *const c_char,
        pub generation: u64,
        pub settings: *const Settings,
        pub log: unsafe extern "C" fn(*const Host, c_int, *const c_char),
        pub refuse: unsafe extern "C" fn(*const Host, *const c_char, *const c_char),
        pub service: unsafe extern "C" fn(*const Host, *const c_char) -> *const c_void,
    }

    #[repr(C)]
    pub struct Plugin {
        pub version: Version,
        pub name: *const c_char,
        pub plugin_version: *const c_char,
        pub create: Option<unsafe extern "C" fn(*const Host, *mut *mut c_void) -> c_int>,
        pub produce: Option<unsafe extern "C" fn(*mut c_void, *const Env, *mut Body, *mut Out) -> c_int>,
        pub destroy: Option<unsafe extern "C" fn(*mut c_void)>,
        pub handle_connection: Option<unsafe extern "C" fn(*mut c_void, c_int, *const c_void, usize) -> c_int>,
    }
    // It is never written to.
    unsafe impl Sync for Plugin {}

    /// The ELF note that tells name and versions without running the plugin.
    #[repr(C, align(4))]
    pub struct Note {
        pub owner_size: u32,
        pub descriptor_size: u32,
        pub kind: u32,
        pub owner: [u8; 12],
        pub major: u16,
        pub minor: u16,
        pub name: [u8; 64],
        pub plugin_version: [u8; 64],
    }

    impl Note {
        pub const fn new(name: &str, plugin_version: &str) -> Note {
            Note {
                owner_size: 9,
                descriptor_size: 132,
                kind: 1,
                owner: *b"Forklift\0\0\0\0",
                major: MAJOR,
                minor: MINOR,
                name: padded(name),
                plugin_version: padded(plugin_version),
            }
        }
    }

    const fn padded(text: &str) -> [u8; 64] {
        let bytes = text.as_bytes();
        assert!(bytes.len() < 64, "a plugin's name and version have at most 63 bytes each");
        let mut result = [0; 64];
        let mut i = 0;
        while i < bytes.len() {
            result[i] = bytes[i];
            i += 1;
        }
        result
    }
}

/// Why `create` does not serve: for the log.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    pub setting: Option<String>,
    pub reason: String,
}

impl Refusal {
    /// With the path of a setting, the log names the place where it stands.
    pub fn of(setting: &str, reason: &str) -> Refusal {
        Refusal { setting: Some(setting.to_string()), reason: reason.to_string() }
    }
}

impl From<&str> for Refusal {
    fn from(reason: &str) -> Refusal {
        Refusal { setting: None, reason: reason.to_string() }
    }
}

/// Why a request has failed: a reason of your own, for the log, or a call that has failed, of which the host knows why.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    Reason(String),
    Code(i64),
}

impl From<&str> for Failure {
    fn from(reason: &str) -> Failure {
        Failure::Reason(reason.to_string())
    }
}

/// One object a worker.
pub trait Plugin: Sized {
    fn create(host: &Host) -> Result<Self, Refusal>;
    fn produce(&mut self, env: &Env, body: &mut Body, out: &mut Out) -> Result<(), Failure>;
}

/// The worker that the plugin runs in.
#[derive(Clone, Copy)]
pub struct Host(*const raw::Host);
// Its functions may be called from any thread, from create() to the end of destroy().
unsafe impl Send for Host {}
unsafe impl Sync for Host {}

#[derive(Clone, Copy)]
pub enum Level {
    Debug = 0,
    Info = 1,
    Warning = 2,
    Error = 3,
}

impl Host {
    /// # Safety
    /// The table lives, with all that it points to, as long as what is made of it.
    pub unsafe fn new(host: *const raw::Host) -> Host {
        Host(host)
    }

    /// The text of the setting at `path`, such as `mounts[0].at`.
    pub fn setting(&self, path: &str) -> Option<String> {
        let path = c_string(path);
        let mut size = 0;
        unsafe {
            let settings = (*self.0).settings;
            let text = ((*settings).get)(settings, path.as_ptr(), &mut size);
            bytes(text, size).map(|b| String::from_utf8_lossy(b).into_owned())
        }
    }

    /// The number of items of the list, or of names of the map, at `path`.
    pub fn count(&self, path: &str) -> usize {
        let path = c_string(path);
        unsafe { ((*(*self.0).settings).count)((*self.0).settings, path.as_ptr()) }
    }

    pub fn app(&self) -> String {
        unsafe { CStr::from_ptr((*self.0).app) }.to_string_lossy().into_owned()
    }

    pub fn log(&self, level: Level, message: &str) {
        let message = c_string(message);
        unsafe { ((*self.0).log)(self.0, level as c_int, message.as_ptr()) }
    }

    fn refuse(&self, refusal: &Refusal) {
        let setting = refusal.setting.as_deref().map(c_string);
        let reason = c_string(&refusal.reason);
        let path = setting.as_ref().map_or(ptr::null(), |s| s.as_ptr());
        unsafe { ((*self.0).refuse)(self.0, path, reason.as_ptr()) }
    }
}

/// The request's variables, as bytes: nothing says in which encoding a client writes.
pub struct Env<'a>(*const raw::Env, PhantomData<&'a raw::Env>);

impl<'a> Env<'a> {
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        let name = c_string(name);
        let mut size = 0;
        unsafe { bytes(((*self.0).get)(self.0, name.as_ptr(), &mut size), size) }
    }

    /// All of them, in the order of their arrival.
    pub fn variables(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let (first, count) = unsafe { ((*self.0).variables, (*self.0).count) };
        (0..count).filter_map(move |i| unsafe {
            let variable = &*first.add(i);
            Some((bytes(variable.name, variable.name_size)?, bytes(variable.value, variable.value_size)?))
        })
    }
}

/// The request's body.
pub struct Body<'a>(*mut raw::Body, PhantomData<&'a mut raw::Body>);

impl<'a> Body<'a> {
    /// In bytes; 0 without a body.
    pub fn length(&self) -> u64 {
        unsafe { (*self.0).length }
    }

    /// Waits until there is something, and returns how much it is: 0 at the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let count = unsafe { ((*self.0).read)(self.0, buffer.as_mut_ptr() as *mut c_void, buffer.len()) };
        usize::try_from(count).map_err(|_| Failure::Code(count))
    }
}

/// Where the response goes: begin(), then write().
pub struct Out<'a>(*mut raw::Out, PhantomData<&'a mut raw::Out>);

impl<'a> Out<'a> {
    pub fn begin(&mut self, status: u16, headers: &[(&str, &str)]) -> Result<(), Failure> {
        let texts: Vec<(CString, CString)> = headers.iter().map(|(n, v)| (c_string(n), c_string(v))).collect();
        let table: Vec<raw::Header> =
            texts.iter().map(|(n, v)| raw::Header { name: n.as_ptr(), value: v.as_ptr() }).collect();
        check(unsafe { ((*self.0).begin)(self.0, c_int::from(status), table.as_ptr(), table.len()) })
    }

    pub fn write(&mut self, data: &[u8]) -> Result<(), Failure> {
        check(unsafe { ((*self.0).write)(self.0, data.as_ptr() as *const c_void, data.len()) })
    }

    pub fn flush(&mut self) -> Result<(), Failure> {
        check(unsafe { ((*self.0).flush)(self.0) })
    }

    /// timeouts.request begins anew: for a plugin that computes, and knows that it is getting somewhere.
    pub fn alive(&mut self) {
        unsafe { ((*self.0).alive)(self.0) }
    }

    fn fail(&mut self, reason: &str) {
        let reason = c_string(reason);
        unsafe { ((*self.0).fail)(self.0, reason.as_ptr()) }
    }
}

fn check(result: c_int) -> Result<(), Failure> {
    if result == 0 { Ok(()) } else { Err(Failure::Code(i64::from(result))) }
}

// A NUL byte would end the text for the host.
fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

unsafe fn bytes<'a>(text: *const c_char, size: usize) -> Option<&'a [u8]> {
    if text.is_null() { None } else { Some(std::slice::from_raw_parts(text as *const u8, size)) }
}

// No panic crosses into the host.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|s| s.to_string());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        format!("a panic: {}", text.unwrap_or_else(|| "of no known type".to_string()))
    })
}

/// # Safety
/// As the host calls create().
pub unsafe extern "C" fn create<P: Plugin>(host: *const raw::Host, instance: *mut *mut c_void) -> c_int {
    let host = Host(host);
    match guarded(|| P::create(&host)) {
        Ok(Ok(plugin)) => {
            *instance = Box::into_raw(Box::new(plugin)) as *mut c_void;
            return 0;
        }
        Ok(Err(refusal)) => host.refuse(&refusal),
        Err(panic) => host.refuse(&Refusal::from(panic.as_str())),
    }
    1
}

/// # Safety
/// As the host calls produce().
pub unsafe extern "C" fn produce<P: Plugin>(
    instance: *mut c_void,
    env: *const raw::Env,
    body: *mut raw::Body,
    out: *mut raw::Out,
) -> c_int {
    let plugin = &mut *(instance as *mut P);
    let mut writer = Out(out, PhantomData);
    let result =
        guarded(|| plugin.produce(&Env(env, PhantomData), &mut Body(body, PhantomData), &mut Out(out, PhantomData)));
    match result {
        Ok(Ok(())) => return 0,
        Ok(Err(Failure::Reason(reason))) => writer.fail(&reason),
        Ok(Err(Failure::Code(_))) => {}
        Err(panic) => writer.fail(&panic),
    }
    1
}

/// # Safety
/// As the host calls destroy().
pub unsafe extern "C" fn destroy<P: Plugin>(instance: *mut c_void) {
    let _ = guarded(|| drop(Box::from_raw(instance as *mut P)));
}

/// `forklift_plugin!(Type, "name", "version")`: the exported function, the descriptor and the note. Once a plugin.
#[macro_export]
macro_rules! forklift_plugin {
    ($plugin:ty, $name:literal, $version:literal) => {
        #[no_mangle]
        pub extern "C" fn forklift_plugin_v1() -> *const $crate::forklift::raw::Plugin {
            static DESCRIPTOR: $crate::forklift::raw::Plugin = $crate::forklift::raw::Plugin {
                version: $crate::forklift::raw::Version::of::<$crate::forklift::raw::Plugin>(),
                name: concat!($name, "\0").as_ptr() as *const std::os::raw::c_char,
                plugin_version: concat!($version, "\0").as_ptr() as *const std::os::raw::c_char,
                create: Some($crate::forklift::create::<$plugin>),
                produce: Some($crate::forklift::produce::<$plugin>),
                destroy: Some($crate::forklift::destroy::<$plugin>),
                handle_connection: None,
            };
            &DESCRIPTOR
        }

        #[link_section = ".note.forklift"]
        #[used]
        static FORKLIFT_NOTE: $crate::forklift::raw::Note = $crate::forklift::raw::Note::new($name, $version);
    };
}
