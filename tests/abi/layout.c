/* The layout of every struct of the plugin API on LP64, frozen: within a major a line here never changes, but for the sizes of
 * structs that can grow; a new minor only adds lines.
 * Compiled as C and as C++ by the matrix in CMakeLists.txt: both must see the same bytes. */
#include <forklift/defer.h>
#include <forklift/plugin.h>
#include <forklift/stats.h>
#include <poll.h>

#ifndef __LP64__
#error "the layout is frozen for LP64"
#endif

#ifdef __cplusplus
#define CHECK(condition) static_assert(condition, #condition)
#else
#define CHECK(condition) _Static_assert(condition, #condition)
#endif
#define SIZE(type, size) CHECK(sizeof(type) == (size))
#define AT(type, member, offset) CHECK(offsetof(type, member) == (offset))

SIZE(forklift_version, 8);
AT(forklift_version, size, 0);
AT(forklift_version, major, 4);
AT(forklift_version, minor, 6);

/* Frozen for all minors: these stand in arrays. */

SIZE(forklift_variable, 32);
AT(forklift_variable, name, 0);
AT(forklift_variable, name_size, 8);
AT(forklift_variable, value, 16);
AT(forklift_variable, value_size, 24);

SIZE(forklift_header, 16);
AT(forklift_header, name, 0);
AT(forklift_header, value, 8);

SIZE(forklift_poll, 8);
AT(forklift_poll, fd, 0);
AT(forklift_poll, events, 4);
AT(forklift_poll, revents, 6);

/* The host hands the array to poll(2) as it is. */
SIZE(struct pollfd, sizeof(forklift_poll));
AT(struct pollfd, fd, offsetof(forklift_poll, fd));
AT(struct pollfd, events, offsetof(forklift_poll, events));
AT(struct pollfd, revents, offsetof(forklift_poll, revents));

/* 1.0 */

SIZE(forklift_env, 32);
AT(forklift_env, version, 0);
AT(forklift_env, count, 8);
AT(forklift_env, variables, 16);
AT(forklift_env, get, 24);

SIZE(forklift_body, 32);
AT(forklift_body, version, 0);
AT(forklift_body, length, 8);
AT(forklift_body, read, 16);
AT(forklift_body, try_read, 24);

SIZE(forklift_out, 80);
AT(forklift_out, version, 0);
AT(forklift_out, begin, 8);
AT(forklift_out, write, 16);
AT(forklift_out, try_write, 24);
AT(forklift_out, flush, 32);
AT(forklift_out, try_flush, 40);
AT(forklift_out, send_file, 48);
AT(forklift_out, wait, 56);
AT(forklift_out, alive, 64);
AT(forklift_out, fail, 72);

SIZE(forklift_settings, 40);
AT(forklift_settings, version, 0);
AT(forklift_settings, kind, 8);
AT(forklift_settings, get, 16);
AT(forklift_settings, count, 24);
AT(forklift_settings, name, 32);

SIZE(forklift_host, 56);
AT(forklift_host, version, 0);
AT(forklift_host, app, 8);
AT(forklift_host, generation, 16);
AT(forklift_host, settings, 24);
AT(forklift_host, log, 32);
AT(forklift_host, refuse, 40);
AT(forklift_host, service, 48);

SIZE(forklift_plugin, 56);
AT(forklift_plugin, version, 0);
AT(forklift_plugin, name, 8);
AT(forklift_plugin, plugin_version, 16);
AT(forklift_plugin, create, 24);
AT(forklift_plugin, produce, 32);
AT(forklift_plugin, destroy, 40);
AT(forklift_plugin, handle_connection, 48);

/* The services. */

SIZE(forklift_defer, 16);
AT(forklift_defer, version, 0);
AT(forklift_defer, after_response, 8);

SIZE(forklift_stats, 40);
AT(forklift_stats, version, 0);
AT(forklift_stats, counter, 8);
AT(forklift_stats, gauge, 16);
AT(forklift_stats, add, 24);
AT(forklift_stats, set, 32);

/* As the ELF specification lays out a note: three words, the owner, the descriptor, each padded to 4. */
SIZE(forklift_note, 156);
AT(forklift_note, owner_size, 0);
AT(forklift_note, descriptor_size, 4);
AT(forklift_note, type, 8);
AT(forklift_note, owner, 12);
AT(forklift_note, major, 24);
AT(forklift_note, minor, 26);
AT(forklift_note, name, 28);
AT(forklift_note, plugin_version, 92);

/* The numbers of the results are part of the ABI too. */
CHECK(FORKLIFT_OK == 0 && FORKLIFT_EAGAIN == -1 && FORKLIFT_EGONE == -2 && FORKLIFT_ETIMEOUT == -3);
CHECK(FORKLIFT_ESHORT == -4 && FORKLIFT_EINVAL == -5 && FORKLIFT_ENOMEM == -6 && FORKLIFT_EIO == -7);
CHECK(FORKLIFT_WAIT_BODY == 1 && FORKLIFT_WAIT_OUT == 2 && FORKLIFT_WAIT_GONE == 4);
CHECK(FORKLIFT_WAIT_SENT == 8);
CHECK(FORKLIFT_SETTING_NONE == 0 && FORKLIFT_SETTING_TEXT == 1 && FORKLIFT_SETTING_LIST == 2);
CHECK(FORKLIFT_SETTING_MAP == 3);
CHECK(FORKLIFT_LOG_DEBUG == 0 && FORKLIFT_LOG_INFO == 1 && FORKLIFT_LOG_WARNING == 2 && FORKLIFT_LOG_ERROR == 3);
CHECK(FORKLIFT_DEFER_MAX == 64);
CHECK(FORKLIFT_STATS_MAX == 32 && FORKLIFT_STATS_NAME_MAX == 48 && FORKLIFT_STATS_HELP_MAX == 128);
