/* forklift/plugin.h - the Forklift plugin API, 1.0
 *
 * A plugin is a shared object that answers requests. It exports one function, forklift_plugin_v1(), which returns a
 * static descriptor; everything else goes through pointers, in both directions. A plugin links nothing of Forklift, and
 * has no undefined symbol of the server: it can be loaded, called and unit-tested without one.
 *
 *     #include <forklift/plugin.h>
 *
 *     static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
 *       (void)instance, (void)env, (void)body;
 *       static const char page[] = "Content-Type: text/plain\n\nHello, world\n";
 *       return out->write(out, page, sizeof page - 1);
 *     }
 *
 *     FORKLIFT_PLUGIN("hello", "1.0", .produce = produce);
 *
 *     cc -shared -fPIC -I plugin-api/include hello.c -o hello.so
 *
 * C++ authors use forklift/plugin.hpp, which wraps this header and adds nothing to what crosses the boundary.
 *
 * THE LIFE OF A PLUGIN. A worker is a process with one plugin and one request at a time. It is forked, lets go
 * of all that is not its own, opens the plugin, calls forklift_plugin_v1(), checks the descriptor, calls create() once, then produce()
 * (or handle_connection(), where there is one) once a request, and destroy() before it leaves. Nothing of the plugin ever runs in the master. Static constructors
 * run when the worker opens the plugin; static destructors and atexit handlers don't run: a worker leaves with
 * _exit(2), after destroy().
 *
 * TAGS. Each function says who may call it, and where:
 *   [worker]    called by the host, on the worker's main thread
 *   [produce]   the plugin may call it on that thread between the start and the return of produce()
 *   [create]    likewise, in create()
 *   [any]       the plugin may call it at any time from create() to the return of destroy(), from any thread
 *
 * RESULTS. Functions that return int or int64_t return 0 or a count on success and one of the negative FORKLIFT_E...
 * numbers on failure. Strings are bytes in no particular encoding; a size in bytes stands beside each of them, and a
 * NUL byte, not counted, behind each that the host hands out.
 *
 * WRONG USE has a defined result, said at each function: FORKLIFT_EINVAL, a line in the log that says what was wrong, and
 * a request that ends as 500 or, where something was flushed, with a reset. What cannot be seen, as in any C, is a
 * pointer that has outlived its object: build plugin and tests with -fsanitize=address.
 *
 * EVOLUTION. The major version is part of the exported function's name, as in a SONAME. Within a major:
 *   - A struct that can grow begins with its size and a version, filled in by the side that made it. A minor appends
 *     members at its end, and changes no offset, type or meaning above. FORKLIFT_HAS() tells whether a table is long
 *     enough to hold a member. Structs that stand in arrays are frozen.
 *   - A minor may add numbers to an enumeration where this header says that unknown ones may come, and nowhere else.
 *   - Optional services are found by id and revision (forklift_host.service); they come with headers of their own, and
 *     need no minor.
 *   - A host takes every plugin of its major whose minor is not above its own, and refuses the others with both
 *     versions named. So a plugin that is compiled against an older header runs on more hosts.
 *   - What breaks any of this is a new major, with a new exported function; a host then serves both for a while.
 *
 * CHANGELOG
 *   1.0  the first that is kept. Drafts before it (0.1 to 0.3) are refused.
 */
#ifndef FORKLIFT_PLUGIN_H
#define FORKLIFT_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#if !defined(__linux__) || !defined(__GNUC__)
#error "Forklift runs on Linux; its plugins are built with gcc, clang or another compiler with GNU attributes"
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define FORKLIFT_API_MAJOR 1
#define FORKLIFT_API_MINOR 0

/* The first member of every struct that can grow. */
typedef struct forklift_version {
  uint32_t size;  /* of the whole struct, in bytes, as its maker knew it */
  uint16_t major; /* FORKLIFT_API_MAJOR, as its maker knew it */
  uint16_t minor; /* FORKLIFT_API_MINOR, likewise */
} forklift_version;

/* The initialiser of a `version` member, for a struct of the given type. */
#define FORKLIFT_VERSION_OF(type) { sizeof(type), FORKLIFT_API_MAJOR, FORKLIFT_API_MINOR }

/* True if `table`, a pointer to a struct that the other side made, is long enough to hold `member` and the member is
 * not NULL:
 *
 *     if (FORKLIFT_HAS(out, send_file)) ...
 *
 * Needed only for members that are newer than the oldest minor you want to run on. */
#define FORKLIFT_HAS(table, member)                                                             \
  (offsetof(__typeof__(*(table)), member) + sizeof((table)->member) <= (table)->version.size && \
   (table)->member)

/* ---- Results ----------------------------------------------------------------------------------------------------- */

/* A later minor may add some: take every negative number for a failure. */
enum {
  FORKLIFT_OK = 0,
  FORKLIFT_EAGAIN = -1,   /* nothing can be done without waiting (the try_ functions) */
  FORKLIFT_EGONE = -2,    /* the client closed or reset the connection: the response has no reader any more */
  FORKLIFT_ETIMEOUT = -3, /* the client stood still for timeouts.body or timeouts.write, or was below limits.body_rate */
  FORKLIFT_ESHORT = -4,   /* the body broke off: the client ended it before Content-Length bytes had come */
  FORKLIFT_EINVAL = -5,   /* a wrong argument, or a call in the wrong order; the log says which */
  FORKLIFT_ENOMEM = -6,
  FORKLIFT_EIO = -7       /* a system call failed; the log says which */
};

/* ---- The request ------------------------------------------------------------------------------------------------- */

/* Frozen: stands in arrays. */
typedef struct forklift_variable {
  const char *name;
  size_t name_size;
  const char *value;
  size_t value_size;
} forklift_variable;

/* The variables of a request as CGI names them (RFC 3875, 4.1): REQUEST_METHOD, REQUEST_URI, QUERY_STRING,
 * CONTENT_TYPE, HTTP_HOST, ... in the order of their arrival, no name twice, undecoded. What the front server sends is
 * what is here: the host adds and removes nothing, except that an HTTP_ variable which came more than once is joined
 * with ", " (HTTP_COOKIE with "; ").
 *
 * Lifetime: valid, with all that it points to, until produce() returns. */
typedef struct forklift_env forklift_env;
struct forklift_env {
  forklift_version version;
  size_t count;
  const forklift_variable *variables; /* `count` of them */

  /* The value of the variable `name` (exact, NUL-terminated), and its size in *size unless `size` is NULL. NULL if
   * there is no such variable; an empty one is "".  [produce] */
  const char *(*get)(const forklift_env *env, const char *name, size_t *size);
};

/* The request's body. Never gives more than `length` bytes, and never a short body that looks complete: one that breaks
 * off ends with FORKLIFT_ESHORT, and the request is then answered 400 (408 if it stalled) unless something was flushed,
 * whatever produce() makes of it. What produce() leaves unread is thrown away.
 *
 * Lifetime: until produce() returns. */
typedef struct forklift_body forklift_body;
struct forklift_body {
  forklift_version version;
  uint64_t length; /* CONTENT_LENGTH, in bytes; 0 without a body */

  /* Reads at most `size` bytes into `buffer`, waiting until there is at least one. Returns their number, 0 at the
   * end of the body, or FORKLIFT_ESHORT, FORKLIFT_ETIMEOUT, FORKLIFT_EGONE. An error stays: later calls return it
   * again. FORKLIFT_EINVAL, and the request becomes a 500: a `buffer` that is NULL, or a `size` that is none (the -1 of
   * another call). With `size` 0 it returns 0 at once, which then says nothing about the end.  [produce] */
  int64_t (*read)(forklift_body *body, void *buffer, size_t size);

  /* The same without waiting: FORKLIFT_EAGAIN if nothing is there yet. See forklift_out.wait.  [produce] */
  int64_t (*try_read)(forklift_body *body, void *buffer, size_t size);
};

/* ---- The response ------------------------------------------------------------------------------------------------ */

/* Frozen: stands in arrays. A header of a response: `name` and `value` are NUL-terminated. */
typedef struct forklift_header {
  const char *name;
  const char *value;
} forklift_header;

/* Frozen: stands in arrays. A descriptor of the plugin's own to wait for. `events` and `revents` are poll(2)'s; a
 * negative `fd` is skipped. */
typedef struct forklift_poll {
  int fd;
  short events;
  short revents;
} forklift_poll;

/* What forklift_out.wait can wait for, beside the plugin's own descriptors. */
enum {
  FORKLIFT_WAIT_BODY = 1, /* try_read() would not return FORKLIFT_EAGAIN */
  FORKLIFT_WAIT_OUT = 2,  /* try_write() would not return FORKLIFT_EAGAIN */
  FORKLIFT_WAIT_GONE = 4, /* the client is gone; always reported, asked for or not */
  FORKLIFT_WAIT_SENT = 8  /* nothing is buffered, or try_flush() would send some of it */
};

/* Where the response goes. A response is a head and a body:
 *
 *   - either begin(), which takes the head as values, and then write() for the body,
 *   - or write() alone, whose first bytes are a CGI header block ("Content-Type: text/plain", other headers, "Status:
 *     404 Not Found" where it is not 200, a blank line; LF or CRLF; in any number of pieces; at most 64 KiB and 200
 *     headers; a Connection among them is left out), followed by the body.
 *
 * The host checks the head either way. It buffers the beginning of the response: one that fits is sent in one piece
 * with its Content-Length, and as long as nothing was sent ("flushed") the request can still become a clean error: 500
 * when produce() fails. Afterwards an error ends the connection with a reset, so that nobody takes half a page for a
 * whole one.
 *
 * For HEAD, 204 and 304 the host drops the body. A body that is shorter or longer than the Content-Length which the
 * plugin declared is such an error; none of the surplus is sent.
 *
 * Lifetime: until produce() returns. */
typedef struct forklift_out forklift_out;
struct forklift_out {
  forklift_version version;

  /* Sets the head. `status` is 200 to 599; `headers`, of which there are at most 200, are copied. A Content-Length
   * among them is a promise (see above). FORKLIFT_EINVAL, and the request becomes a 500: a second begin(), begin()
   * after write(), a status out of range, more headers, a name that is not a token, CR, LF or another control character
   * but a tab in a value, a Content-Length that is no number or a second one, or a header that is the host's (Status,
   * Connection, Transfer-Encoding).  [produce] */
  int (*begin)(forklift_out *out, int status, const forklift_header *headers, size_t count);

  /* Writes all of `data`, waiting for the client where necessary. 0, or FORKLIFT_EGONE, FORKLIFT_ETIMEOUT,
   * FORKLIFT_EINVAL (the header block is malformed, or there was more than the declared Content-Length). An error
   * stays.  [produce] */
  int (*write)(forklift_out *out, const void *data, size_t size);

  /* Takes as much of `data` as goes without waiting and returns the number of bytes taken, which may be less than
   * `size`; FORKLIFT_EAGAIN if none.  [produce] */
  int64_t (*try_write)(forklift_out *out, const void *data, size_t size);

  /* Sends what is buffered, head included. FORKLIFT_EINVAL while the head is incomplete.  [produce] */
  int (*flush)(forklift_out *out);

  /* As flush(), without waiting: sends as much of what is buffered as the connection takes. 0 when all of it
   * is sent, FORKLIFT_EAGAIN when some is left: FORKLIFT_WAIT_SENT waits for room.  [produce] */
  int (*try_flush)(forklift_out *out);

  /* Writes `length` bytes of the file `fd` from `offset` on, as write() would, without copying them through the
   * plugin. The descriptor stays the plugin's; its file position is neither used nor changed. FORKLIFT_EIO if the
   * file ends early.  [produce] */
  int (*send_file)(forklift_out *out, int fd, uint64_t offset, uint64_t length);

  /* Waits until one of FORKLIFT_WAIT_... in `interest`, one of the `count` descriptors in `polls`, or
   * FORKLIFT_WAIT_GONE is ready, or `timeout_ms` milliseconds have passed (negative: no limit of the plugin's own;
   * timeouts.body and timeouts.write still hold for what `interest` names). Returns the FORKLIFT_WAIT_ bits that are
   * ready, 0 where it was only `polls` or the time, or FORKLIFT_ETIMEOUT, FORKLIFT_EINVAL (a bit in `interest` that this
   * host does not know; more than 64 descriptors).
   *
   * A client is gone when its Unix socket is closed or its TCP connection was reset. On TCP one that has closed looks
   * like one that has asked and listens; it is gone only where its listener says `half_close: abort`, and then an end
   * of its half alone is enough, on Unix sockets too. A produce() that fails after it was told so has lost its client, and has
   * not failed.
   *
   * Time spent waiting for the client counts against timeouts.body or timeouts.write; time spent waiting for `polls`
   * alone counts as time in the plugin (timeouts.request).  [produce] */
  int (*wait)(forklift_out *out, unsigned interest, forklift_poll *polls, size_t count, int timeout_ms);

  /* Says that produce() gets on: timeouts.request begins anew. It does so by itself whenever a byte of the body is read or one of
   * the response is written; this is for a plugin that computes, or waits for others, and knows that it is getting
   * somewhere. To be called where something was achieved; who calls it from a timer has no timeout.  [produce] */
  void (*alive)(forklift_out *out);

  /* Gives the reason for the failure that produce() is about to return. For the log: clients never see it. The last one
   * counts; at most 1000 bytes of it.  [produce] */
  void (*fail)(forklift_out *out, const char *message);
};

/* ---- The host ---------------------------------------------------------------------------------------------------- */

/* What a node of the settings is. */
enum {
  FORKLIFT_SETTING_NONE = 0, /* there is no such node */
  FORKLIFT_SETTING_TEXT = 1,
  FORKLIFT_SETTING_LIST = 2,
  FORKLIFT_SETTING_MAP = 3
};

/* The app's `settings:`, a tree of strings exactly as they were written: no YAML typing, `010` is "010" and `yes` is
 * "yes". A `path` names a node: names joined by dots, items of a list by index, names that hold a dot or bracket in
 * quotes: "mounts[0].at", "hosts.\"example.org\".root"; "" is the whole.
 *
 * Lifetime: valid, with all strings that it returns, until destroy() has returned. */
typedef struct forklift_settings forklift_settings;
struct forklift_settings {
  forklift_version version;

  /* FORKLIFT_SETTING_...  [any] */
  int (*kind)(const forklift_settings *settings, const char *path);

  /* The text at `path`, and its size in *size unless `size` is NULL. NULL if there is no node, or it is a list or a
   * map.  [any] */
  const char *(*get)(const forklift_settings *settings, const char *path, size_t *size);

  /* The number of items of the list, or names of the map, at `path`; 0 for everything else.  [any] */
  size_t (*count)(const forklift_settings *settings, const char *path);

  /* The `index`th name of the map at `path`, in the order of the file; NULL where there is none.  [any] */
  const char *(*name)(const forklift_settings *settings, const char *path, size_t index);
};

/* Levels of the log. */
enum { FORKLIFT_LOG_DEBUG = 0, FORKLIFT_LOG_INFO = 1, FORKLIFT_LOG_WARNING = 2, FORKLIFT_LOG_ERROR = 3 };

/* The worker that the plugin runs in.
 *
 * Lifetime: valid, with all that it points to, until destroy() has returned. */
typedef struct forklift_host forklift_host;
struct forklift_host {
  forklift_version version;
  const char *app;     /* the app's name in the YAML */
  uint64_t generation; /* of the app; counted from 1 */
  const forklift_settings *settings;

  /* Writes one line to the server's log, with app, generation and pid in front. Control characters, what nobody sees or
   * turns the direction of text, and bytes that are no UTF-8 are escaped; other UTF-8 stays. At most 8000 bytes are
   * written.  [any] */
  void (*log)(const forklift_host *host, int level, const char *message);

  /* Gives the reason for the failure that create() is about to return. With the path of a setting, the log also
   * names the file, line and column where it stands; NULL where no setting is to blame.  [create] */
  void (*refuse)(const forklift_host *host, const char *setting, const char *reason);

  /* An optional service, found by its id and revision: a pointer to its table, which lives as long as the host, or NULL
   * where this host has none of that name. forklift/defer.h has "forklift.defer/1", forklift/stats.h has
   * "forklift.stats/1".  [any] */
  const void *(*service)(const forklift_host *host, const char *id);
};

/* ---- The plugin -------------------------------------------------------------------------------------------------- */

/* What a plugin is. Static: it is read until the process ends. Members that a plugin leaves out are zero. */
typedef struct forklift_plugin {
  forklift_version version;
  const char *name;           /* for logs: [a-z0-9_-]+ */
  const char *plugin_version; /* for logs: the author's own */

  /* Optional. Makes the plugin's state, once, before the first request, and leaves it in *instance. Non-zero refuses
   * to serve: the worker reports it (host->refuse) and exits.  [worker] */
  int (*create)(const forklift_host *host, void **instance);

  /* Answers one request. 0 when the response is complete; anything else is a failure: 500 if nothing was flushed, a
   * reset otherwise (out->fail for the reason). NULL only where there is a handle_connection().  [worker] */
  int (*produce)(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out);

  /* Optional. The worker is about to leave; not called when it is killed, or when create() failed.  [worker] */
  void (*destroy)(void *instance);

  /* Optional. Answers one request on the connection itself, instead of produce(): for those few plugins that
   * speak SCGI themselves. The host has read and checked the request's head by then (a malformed one is answered
   * without the plugin), and knows method and URI for its logs.
   *
   * `head` and `size` are what the host has taken from the connection: the whole netstring of the head, its comma
   * included, and behind it as much of the body as has come along. The rest of the body, up to CONTENT_LENGTH bytes, is
   * for the plugin to read from `fd`. It reads no more than that: nothing where there is no body.
   *
   * `fd` is a blocking stream socket, TCP or Unix, and stays the host's. The plugin closes it not, shuts it not down,
   * keeps neither it nor a duplicate, and sets neither O_NONBLOCK nor a timeout on it: those belong to the open file,
   * which the server's master holds, too. A call alone may say MSG_DONTWAIT. SIGPIPE is ignored.
   *
   * 0 when the response is complete: the host ends the connection. Anything else is a failure: a reset (the reason is
   * for host->log). From the call on the host cannot know what the client has got. So nothing becomes a clean 500 or
   * 502 any more, also a crash before the first byte is a reset, and in the access log status and size are 0.
   * No progress is seen, either: timeouts.body, timeouts.write and limits.body_rate don't hold, and timeouts.request is
   * the time of the whole call.
   *
   * ON A UNIX SOCKET only an unread byte turns the end of a dead worker's connection into a reset; otherwise half a
   * page ends like a whole one. Without a body the host has left one. Of a body, the plugin takes the last byte out
   * of the socket (MSG_PEEK until then) when its response is complete, or it declares a Content-Length.
   *
   * `head` lives until the return.  [worker] */
  int (*handle_connection)(void *instance, int fd, const void *head, size_t size);
} forklift_plugin;

#define FORKLIFT_EXPORT __attribute__((visibility("default")))

/* The one function that a plugin exports; FORKLIFT_PLUGIN() below defines it. Called once, before any other; must do
 * nothing but return the descriptor.  [worker] */
FORKLIFT_EXPORT const forklift_plugin *forklift_plugin_v1(void);

/* How the host, which links no plugin, knows it. */
#define FORKLIFT_ENTRY_SYMBOL "forklift_plugin_v1"
typedef const forklift_plugin *(*forklift_plugin_entry)(void);

/* The ELF note that tells a plugin's name and versions without running any of its code (`forklift inspect`). It is
 * the section .note.forklift: a note header as elf(5) has it, the owner "Forklift", and a descriptor that is the
 * last four members. */
#define FORKLIFT_NOTE_TYPE 1
typedef struct forklift_note {
  uint32_t owner_size;      /* 9: "Forklift" and its NUL */
  uint32_t descriptor_size; /* 132: from `major` to the end */
  uint32_t type;            /* FORKLIFT_NOTE_TYPE */
  char owner[12];           /* "Forklift", padded with NULs to a multiple of 4 */
  uint16_t major;           /* the API's version, as in the descriptor's `version` */
  uint16_t minor;
  char name[64];            /* as in the descriptor, NUL-terminated; hence at most 63 bytes */
  char plugin_version[64];  /* likewise */
} forklift_note;

/* Defines the exported function, the descriptor and the note, in one translation unit of the plugin. `plugin_name` and
 * `version_text` are string literals; then come the members of the descriptor that the plugin has, by name:
 *
 *     FORKLIFT_PLUGIN("shop", "2.1", .create = create, .produce = produce, .destroy = destroy);
 *
 * For C. C++ has FORKLIFT_PLUGIN_CLASS() in plugin.hpp. */
#ifndef __cplusplus
#define FORKLIFT_PLUGIN(plugin_name, version_text, ...)             \
  FORKLIFT_NOTE(plugin_name, version_text);                         \
  const forklift_plugin *forklift_plugin_v1(void) {                 \
    static const forklift_plugin forklift_plugin_ = {               \
        .version = FORKLIFT_VERSION_OF(forklift_plugin),            \
        .name = plugin_name,                                        \
        .plugin_version = version_text,                             \
        __VA_ARGS__                                                 \
    };                                                              \
    return &forklift_plugin_;                                       \
  }                                                                 \
  typedef int forklift_plugin_ends_with_a_semicolon_
#endif

/* The note alone; FORKLIFT_PLUGIN() and FORKLIFT_PLUGIN_CLASS() contain it. */
#define FORKLIFT_NOTE(plugin_name, version_text)                                                          \
  FORKLIFT_STATIC_ASSERT_(sizeof(plugin_name) <= 64 && sizeof(version_text) <= 64,                        \
                          "a plugin's name and version have at most 63 bytes each");                      \
  FORKLIFT_NOTE_ATTRIBUTES_ static const forklift_note forklift_note_ = {                                 \
      sizeof("Forklift"), sizeof(forklift_note) - offsetof(forklift_note, major), FORKLIFT_NOTE_TYPE,     \
      "Forklift", FORKLIFT_API_MAJOR, FORKLIFT_API_MINOR, plugin_name, version_text                       \
  }

/* Names that end in an underscore are this header's own. */
#ifdef __cplusplus
#define FORKLIFT_STATIC_ASSERT_ static_assert
#else
#define FORKLIFT_STATIC_ASSERT_ _Static_assert
#endif

/* AddressSanitizer in clang pads every global, which would make the note unreadable; gcc leaves named sections
 * alone, and doesn't know the attribute for variables. */
#ifdef __clang__
#define FORKLIFT_NOTE_ATTRIBUTES_ __attribute__((section(".note.forklift"), used, aligned(4), no_sanitize("address")))
#else
#define FORKLIFT_NOTE_ATTRIBUTES_ __attribute__((section(".note.forklift"), used, aligned(4)))
#endif

#ifdef __cplusplus
}
#endif

#endif /* FORKLIFT_PLUGIN_H */
