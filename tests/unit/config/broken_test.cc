// Every way in which a configuration can be wrong, with what people are told.
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "reading.h"

namespace forklift::config {

namespace {

struct Broken {
  std::string fault;  // the test's name
  std::string yaml;
  std::string findings;
};

void PrintTo(const Broken& broken, std::ostream* out) {
  *out << broken.fault;
}

class BrokenConfiguration : public testing::TestWithParam<Broken> {};

TEST_P(BrokenConfiguration, IsRefusedWithPlaceAndReason) {
  EXPECT_EQ(verdict(GetParam().yaml), GetParam().findings);
}

std::string name_of(const testing::TestParamInfo<Broken>& info) {
  return info.param.fault;
}

const Broken kYaml[] = {
    {"Empty", "", "app.yaml: is empty; at least \"apps:\" is needed"},
    {"OnlyComments", "# nothing\n\n", "app.yaml: is empty; at least \"apps:\" is needed"},
    {"OnlyADocumentStart", "---\n", "app.yaml: is empty; at least \"apps:\" is needed"},
    {"NotAMap", "- name: a\n", "app.yaml:1:1: must be a map of keys; write \"apps:\" and the apps below it"},
    {"AScalar", "hello\n", "app.yaml:1:1: must be a map of keys; write \"apps:\" and the apps below it"},
    {"DuplicateKey", app_with("limits:\n      head: 1K\n      head: 2K"),
     "app.yaml:7:7: duplicate key \"head\"; the first one is in line 6"},
    {"DuplicateApps", "apps: []\napps: []\n",
     "app.yaml:1:7: apps: names no app; write at least one\n"
     "app.yaml:2:1: duplicate key \"apps\"; the first one is in line 1"},
    {"DuplicateKeyInSettings", app_with("settings: {x: 1, y: 2, x: 3}"),
     "app.yaml:5:28: duplicate key \"x\"; the first one is in line 5"},
    {"MergeKey", app_with("limits: &l {head: 1K}\n    timeouts:\n      <<: *l"),
     "app.yaml:7:7: merge keys (<<) are not supported; write the keys out"},
    {"SecondDocument", app_with("settings: {}\n---\napps: []"),
     "app.yaml:6:1: a second document starts here; one file holds one"},
    {"TabInIndentation", "apps:\n\t- name: a\n", "app.yaml:2:2: a tab in the indentation; YAML wants spaces"},
    {"TabBelowAKey", app_with("limits:\n\thead: 1K"), "app.yaml:6:2: a tab in the indentation; YAML wants spaces"},
    {"UnclosedList", "apps: [1, 2\n", "app.yaml:2:1: a \"[\" is not closed, or a comma is missing"},
    {"UnclosedQuote", app_with("settings: {x: 1}\nruntime_dir: \"/run/x"),
     "app.yaml:6:14: the quote that opens here is never closed"},
    {"UnclosedSingleQuote", "runtime_dir: 'it''s\n", "app.yaml:1:14: the quote that opens here is never closed"},
    {"ColonInAPlainValue", "apps: a: b\n",
     "app.yaml:1:8: a \":\" where none can be; is a blank missing behind the one before, or a quote around a value "
     "that holds one?"},
    {"UnquotedIPv6", app_on("[::1]:4000"),
     "app.yaml:4:18: this does not continue the map above; look at the indentation, and quote values like [::1]"},
    {"UnquotedQuery", app_with("reload: {probe: GET /hello?hang}"),
     "app.yaml:5:31: a character where none can be; put quotes around a value with ? in { } or [ ]"},
    {"UnknownAlias", app_with("settings: *nothing"),
     "app.yaml:5:15: no anchor (&) of this name stands above; a value that begins with * has to be quoted"},
    {"AliasOfItself", app_with("settings: &s {x: *s}"),
     "app.yaml:5:22: this alias refers to a key, or to what it stands in itself"},
    {"AliasOfAKey", app_with("settings: {&k x: *k}"),
     "app.yaml:5:22: this alias refers to a key, or to what it stands in itself"},
    {"UnknownEscape", app_with("settings: \"C:\\windows\""),
     "app.yaml:5:20: not valid YAML: unknown escape character: w"},
    {"EndInAnEscape", "runtime_dir: \"/run\\", "app.yaml:1:20: the file ends within a quote"},
    {"EndInTheDigitsOfAnEscape", "runtime_dir: \"\\u00\n",
     "app.yaml:2:1: not valid YAML: bad character found while scanning hex number"},
    {"AKeyThatIsAMap", "{{ runtime_dir }}: /run\n",
     "app.yaml:1:1: a key must be a word; is a quote missing, as in \"[::1]:4000\", or a bracket not closed?"},
    {"AKeyThatIsEmpty", ": /run\n",
     "app.yaml:1:1: a key must be a word; is a quote missing, as in \"[::1]:4000\", or a bracket not closed?"},
    {"ATag", app_with("settings: {x: !secret y}"),
     "app.yaml:5:19: tag \"!secret\" is not supported; remove it, values are kept as written"},
    {"ControlCharacter", "apps:\n  - name: a\x04\n",
     "app.yaml:2:12: control character \\x04; the file must be UTF-8 text"},
    {"NulInAValue", app_with("settings: {x: \"a\\0b\"}"),
     "app.yaml:5:19: a value holds a NUL character (\\0), which no path and no C string can"},
    {"Utf16",
     std::string("\xff\xfe"
                 "a\0p\0",
                 6),
     "app.yaml:1:1: byte \\xff is no UTF-8; the file must be UTF-8 text"},
    {"Utf16WithoutAMark", std::string("a\0p\0", 4),
     "app.yaml:1:2: control character \\x00; the file must be UTF-8 text"},
    {"Latin1InASetting", app_with("settings: {x: gr\xfc\xdf}"),
     "app.yaml:5:21: byte \\xfc is no UTF-8; the file must be UTF-8 text"},
    {"AByteThatUtf8DoesNotHaveInTheEnvironment", app_with("environment: {\xc3\xa9: \"\xff\"}"),
     "app.yaml:5:24: byte \\xff is no UTF-8; the file must be UTF-8 text"},
    {"AnOverlongSlash", app_with("settings: {x: \xc0\xaf}"),
     "app.yaml:5:19: byte \\xc0 is no UTF-8; the file must be UTF-8 text"},
    {"AHalfOfASurrogate", app_with("settings: {x: \xed\xa0\x80}"),
     "app.yaml:5:19: byte \\xed is no UTF-8; the file must be UTF-8 text"},
    {"EndInACharacter", "runtime_dir: /run/\xe2\x82",
     "app.yaml:1:19: byte \\xe2 is no UTF-8; the file must be UTF-8 text"},
};
INSTANTIATE_TEST_SUITE_P(Yaml, BrokenConfiguration, testing::ValuesIn(kYaml), name_of);

const Broken kKeys[] = {
    {"MisspeltKey", app_with("timeout: {head: 10s}"),
     "app.yaml:5:5: unknown key \"timeout\"; did you mean \"timeouts\"?"},
    {"SwappedLetters", app_with("wrokers: {max: 1}"),
     "app.yaml:5:5: unknown key \"wrokers\"; did you mean \"workers\"?"},
    {"KeyOfAnotherPlace", app_with("head: 10s"),
     "app.yaml:5:5: unknown key \"head\"; it belongs in \"limits\" or in \"timeouts\""},
    {"AppKeyAtTheTop", "workers: {max: 1}\n" + app_with("settings: {}"),
     "app.yaml:1:1: unknown key \"workers\"; it belongs in \"apps\""},
    {"KeyThatNobodyKnows", app_with("limits: {colour: red}"),
     "app.yaml:5:14: unknown key \"colour\"; known here: head, body, body_rate, connections"},
    {"HostileKey", app_with("\"\\e[31m\\n\": red"),
     "app.yaml:5:5: unknown key \"\\x1b[31m\\n\"; known here: name, plugin, listen, workers, limits, timeouts, "
     "queue, reload, user, group, directory, umask, chroot, rlimits, no_new_privs, environment, settings, access_log"},
    {"DottedKey", app_with("timeouts.head: 10s"),
     "app.yaml:5:5: unknown key \"timeouts.head\"; known here: name, plugin, listen, workers, limits, timeouts, "
     "queue, reload, user, group, directory, umask, chroot, rlimits, no_new_privs, environment, settings, access_log"},
    {"KeysThatAreNotSupportedYet",
     "defaults: {dispatch: direct}\n" + app_with("timeouts: {slow: 1s}\n    crash: {keep: 1}"),
     "app.yaml:1:12: key \"dispatch\" is not supported yet\n"
     "app.yaml:6:16: key \"timeouts.slow\" is not supported yet\n"
     "app.yaml:7:5: key \"crash\" is not supported yet"},
    {"NoApps", "runtime_dir: /run/x\n", "app.yaml:1:1: key \"apps\" is missing"},
    {"EmptyApps", "apps:\nruntime_dir: /run/x\n", "app.yaml:1:1: apps: has no value"},
    {"AppsWithoutItems", "apps: []\n", "app.yaml:1:7: apps: names no app; write at least one"},
    {"AppsAsAMap", "apps:\n  hello: {plugin: a.so}\n",
     "app.yaml:2:3: apps: must be a list; write \"- name: ...\" for each app"},
    {"AppsAsAWord", "apps: hello\n", "app.yaml:1:7: apps: must be a list; write \"- name: ...\" for each app"},
    {"AnAppThatIsAWord", "apps: [hello]\n",
     "app.yaml:1:8: apps: each app must be a map with \"name\", \"plugin\" and \"listen\""},
    {"AnAppWithoutItsKeys", "apps:\n  - settings: {}\n",
     "app.yaml:2:5: key \"name\" is missing\n"
     "app.yaml:2:5: key \"plugin\" is missing\n"
     "app.yaml:2:5: key \"listen\" is missing"},
    {"ASectionThatIsAList", app_with("limits: [1]"),
     "app.yaml:5:13: limits: must be a map of keys, not a list; write { head: ... }"},
    {"ASectionThatIsAWord", app_with("timeouts: 10s"),
     "app.yaml:5:15: timeouts: must be a map of keys, not a single value; write { head: ... }"},
    {"ASectionWithoutValue", app_with("workers:"), "app.yaml:5:5: workers: has no value; write one or remove the key"},
    {"AValueThatIsAMap", app_with("timeouts: {head: {}}"),
     "app.yaml:5:22: timeouts.head: must be a single value, not a map"},
    {"AValueThatIsMissing", app_with("timeouts:\n      head:\n      body: 1s"),
     "app.yaml:6:7: timeouts.head: has no value; write one or remove the key"},
};
INSTANTIATE_TEST_SUITE_P(Keys, BrokenConfiguration, testing::ValuesIn(kKeys), name_of);

const Broken kValues[] = {
    {"ControlPathTooLong", "control: /" + std::string(107, 'x') + "\n" + app_with("settings: {}"),
     "app.yaml:1:10: control: \"/" + std::string(107, 'x') +
         "\" has 108 bytes; the path of a Unix socket takes at most 107"},
    {"RuntimeDirTooLongForTheControlSocket", "runtime_dir: /" + std::string(99, 'x') + "\n" + app_with("settings: {}"),
     "app.yaml:1:14: control: \"/" + std::string(99, 'x') +
         "/control\" has 108 bytes; the path of a Unix socket takes at most 107; write a shorter runtime_dir, or "
         "control"},
    {"NameWithCapitals", "apps: [{name: Shop, plugin: a.so, listen: 1}]\n",
     "app.yaml:1:15: name: \"Shop\" must be made of a-z, 0-9, _ and -"},
    {"EmptyName", "apps: [{name: \"\", plugin: a.so, listen: 1}]\n",
     "app.yaml:1:15: name: \"\" must be made of a-z, 0-9, _ and -"},
    {"LongName", "apps: [{name: " + std::string(65, 'a') + ", plugin: a.so, listen: 1}]\n",
     "app.yaml:1:15: name: has 65 bytes; at most 64"},
    {"SameNameTwice", "apps:\n  - {name: a, plugin: a.so, listen: 1}\n  - {name: a, plugin: a.so, listen: 2}\n",
     "app.yaml:3:5: name: another app is called \"a\" already (app.yaml:2:5)"},
    {"EmptyPlugin", "apps: [{name: a, plugin: '', listen: 1}]\n", "app.yaml:1:26: plugin: names no path"},
    {"LongPlugin", "apps: [{name: a, plugin: /" + std::string(5000, 'a') + ", listen: 1}]\n",
     "app.yaml:1:26: plugin: \"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"... has 5001 bytes; a "
     "path takes at most 4095"},
    {"LogLevel", "log: {level: warn}\n" + app_with("settings: {}"),
     "app.yaml:1:14: log.level: \"warn\" is unknown; write debug, info, warning, error"},
    {"LogFormat", "log: {format: xml}\n" + app_with("settings: {}"),
     "app.yaml:1:15: log.format: \"xml\" is unknown; write text, json"},
    {"EmptyPidFile", "pid_file: ''\n" + app_with("settings: {}"), "app.yaml:1:11: pid_file: names no path"},
    {"TooLittleMemoryForHeads", "limits: {reception: 512K}\n" + app_with("settings: {}"),
     "app.yaml:1:21: limits.reception: 512K is out of range; write 1M to 64G"},
    {"TooMuchMemoryForHeads", "limits: {reception: 65G}\n" + app_with("settings: {}"),
     "app.yaml:1:21: limits.reception: 65G is out of range; write 1M to 64G"},
    {"DurationWithABlank", app_with("timeouts: {head: 10 s}"),
     "app.yaml:5:22: timeouts.head: \"10 s\" is not a duration; write 250ms, 30s, 5m or 1h"},
    {"DurationWithoutUnit", app_with("timeouts: {head: 10}"),
     "app.yaml:5:22: timeouts.head: \"10\" is not a duration; write 250ms, 30s, 5m or 1h"},
    {"DurationThatIsNegative", app_with("timeouts: {head: -1s}"),
     "app.yaml:5:22: timeouts.head: \"-1s\" is not a duration; write 250ms, 30s, 5m or 1h"},
    {"DurationThatIsTooLong", app_with("timeouts: {head: 8761h}"),
     "app.yaml:5:22: timeouts.head: \"8761h\" is too long; at most 8760h"},
    {"NoTimeToStart", app_with("timeouts: {start: 0, stop: 0s}"),
     "app.yaml:5:23: timeouts.start: must be more than 0; it cannot be off\n"
     "app.yaml:5:32: timeouts.stop: must be more than 0; it cannot be off"},
    {"SizeWithSmallUnit", app_with("limits: {body: 16m}"),
     "app.yaml:5:20: limits.body: \"16m\" is not a size; write 512, 64K, 16M or 1G"},
    {"SizeThatOverflows", app_with("limits: {body: 99999999999G}"),
     "app.yaml:5:20: limits.body: \"99999999999G\" is too large"},
    {"HeadTooSmall", app_with("limits: {head: 512}"),
     "app.yaml:5:20: limits.head: 512 is out of range; write 1K to 1M"},
    {"HeadTooLarge", app_with("limits: {head: 2M}"), "app.yaml:5:20: limits.head: 2M is out of range; write 1K to 1M"},
    {"NoConnections", app_with("limits: {connections: 0}"),
     "app.yaml:5:27: limits.connections: 0 is out of range; write 1 to 1000000"},
    {"NoWorkers", app_with("workers: {min: 0, max: 0}"),
     "app.yaml:5:28: workers.max: 0 is out of range; write 1 to 10000"},
    {"TooManyWorkers", app_with("workers: {max: 10001}"),
     "app.yaml:5:20: workers.max: 10001 is out of range; write 1 to 10000"},
    {"MoreMinThanMax", app_with("workers: {min: 6}"), "app.yaml:5:14: workers: min (6) is more than max (5)"},
    {"JitterWithoutPercent", app_with("workers: {jitter: 10}"),
     "app.yaml:5:23: workers.jitter: \"10\" is not a percentage; write 10%"},
    {"TooMuchJitter", app_with("workers: {jitter: 51%}"),
     "app.yaml:5:23: workers.jitter: 51% is out of range; write 0% to 50%"},
    {"LongQueue", app_with("queue: {length: 1000001}"),
     "app.yaml:5:21: queue.length: 1000001 is out of range; write 1 to 1000000"},
    {"AccessLogWithoutFile", app_with("access_log: {format: json}"),
     "app.yaml:5:17: key \"access_log.file\" is missing"},
    {"AccessLogAsAWord", app_with("access_log: shop.log"),
     "app.yaml:5:17: access_log: must be a map of keys, not a single value; write { file: ... }"},
    {"AccessLogToStandardError", app_with("access_log: {file: \"-\"}"),
     "app.yaml:5:24: access_log.file: \"-\" is not supported yet; write a path"},
    {"AccessLogWithAnUnknownField", app_with("access_log: {file: a, format: $colour}"),
     "app.yaml:5:35: access_log.format: unknown field \"colour\"; there are time, clf_time, app, generation, pid, "
     "remote_addr, remote_user, method, uri, protocol, status, bytes, referer, user_agent, ending, seconds, "
     "wait_seconds"},
    {"OctalNumber", app_with("workers: {max: 010}"),
     "app.yaml:5:20: workers.max: \"010\" is not a number; write digits, without a leading zero"},
    {"WordForANumber", app_with("workers: {max: many}"),
     "app.yaml:5:20: workers.max: \"many\" is not a number; write digits, without a leading zero"},
};
INSTANTIATE_TEST_SUITE_P(Values, BrokenConfiguration, testing::ValuesIn(kValues), name_of);

const Broken kListen[] = {
    {"NoAddress", app_on("hello"),
     "app.yaml:4:13: listen: \"hello\" is not an address; write 4000, \"127.0.0.1:4000\" or \"unix:/run/app.sock\""},
    {"PortOutOfRange", app_on("65536"), "app.yaml:4:13: listen: port 65536 is out of range; write 0 to 65535"},
    {"PortThatIsAWord", app_on("127.0.0.1:http"),
     "app.yaml:4:13: listen: port \"http\" is not a number; write digits, without a leading zero"},
    {"PortWithLeadingZero", app_on("04000"),
     "app.yaml:4:13: listen: port \"04000\" is not a number; write digits, without a leading zero"},
    {"PortThatIsMissing", app_on("\"127.0.0.1:\""),
     "app.yaml:4:13: listen: port \"\" is not a number; write digits, without a leading zero"},
    {"HostName", app_on("example.org:4000"),
     "app.yaml:4:13: listen: host \"example.org\" is not numeric; write 127.0.0.1, 0.0.0.0 for all, [::1] or "
     "localhost"},
    {"AnyHost", app_on("\"*:4000\""),
     "app.yaml:4:13: listen: host \"*\" is not numeric; write 127.0.0.1, 0.0.0.0 for all, [::1] or localhost"},
    {"NoHost", app_on("\":4000\""),
     "app.yaml:4:13: listen: host \"\" is not numeric; write 127.0.0.1, 0.0.0.0 for all, [::1] or localhost"},
    {"ShortIPv4", app_on("127.1:4000"),
     "app.yaml:4:13: listen: host \"127.1\" is not numeric; write 127.0.0.1, 0.0.0.0 for all, [::1] or localhost"},
    {"IPv6WithoutBrackets", app_on("::1:4000"),
     "app.yaml:4:13: listen: \"::1\" has too many colons; an IPv6 address stands in brackets: \"[::1]:4000\""},
    {"IPv4InBrackets", app_on("\"[127.0.0.1]:4000\""),
     "app.yaml:4:13: listen: host \"[127.0.0.1]\" is not numeric; write 127.0.0.1, 0.0.0.0 for all, [::1] or "
     "localhost"},
    {"IPv6WithoutPort", app_on("\"[::1]\""), "app.yaml:4:13: listen: has no port; write \"[::1]:4000\""},
    {"IPv6InAListWithoutQuotes", app_on("[ [::1]:4000 ]"),
     "app.yaml:4:15: a key must be a word; is a quote missing, as in \"[::1]:4000\", or a bracket not closed?"},
    {"AnyHostWithoutQuotes", app_on("*:4000"),
     "app.yaml:4:13: no anchor (&) of this name stands above; a value that begins with * has to be quoted"},
    {"UnixWithoutPath", app_on("\"unix:\""),
     "app.yaml:4:13: listen: \"unix:\" names no path; write unix:/run/app.sock"},
    {"UnixPathTooLong", app_on("unix:/" + std::string(107, 's')),
     "app.yaml:4:13: listen: "
     "\"/sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss\" "
     "has 108 bytes; the path of a Unix socket takes at most 107"},
    {"SystemdWithoutName", app_on("\"systemd:\""),
     "app.yaml:4:13: listen: \"systemd:\" names no socket; write systemd:web for FileDescriptorName=web"},
    {"SystemdWithAColon", app_on("systemd:web:1"),
     "app.yaml:4:13: listen: \"web:1\" is no name of a socket; FileDescriptorName= takes up to 255 ASCII characters "
     "but no colon"},
    {"SystemdTwice", app_on("[systemd:web, systemd:web]"),
     "app.yaml:4:27: listen: systemd:web is taken by app \"a\" (app.yaml:4:14)"},
    {"SystemdHasItsOwnKeys", app_on("{address: systemd:web, backlog: 9, mode: \"0660\", owner: a, group: b}"),
     "app.yaml:4:36: listen.backlog: systemd:web is bound by systemd; write Backlog= into its socket unit\n"
     "app.yaml:4:48: listen.mode: systemd:web is bound by systemd; write SocketMode= into its socket unit\n"
     "app.yaml:4:62: listen.owner: systemd:web is bound by systemd; write SocketUser= into its socket unit\n"
     "app.yaml:4:72: listen.group: systemd:web is bound by systemd; write SocketGroup= into its socket unit"},
    {"NoListeners", app_on("[]"), "app.yaml:4:13: listen: names no address; write at least one"},
    {"ListInAList", app_on("[[4000]]"), "app.yaml:4:14: listen: must be a port, an address or a map with \"address\""},
    {"EmptyItem", app_on("[4000, ~]"), "app.yaml:4:20: listen: must be a port, an address or a map with \"address\""},
    {"MapWithoutAddress", app_on("{backlog: 10}"), "app.yaml:4:13: key \"listen.address\" is missing"},
    {"FastCgi", app_on("{address: 4000, protocol: fastcgi}"),
     "app.yaml:4:39: listen.protocol: \"fastcgi\" is not supported yet"},
    {"UnknownProtocol", app_on("{address: 4000, protocol: uwsgi}"),
     "app.yaml:4:39: listen.protocol: \"uwsgi\" is unknown; write scgi"},
    {"ModeThatIsNotOctal", app_on("{address: unix:/s, mode: \"0680\"}"),
     "app.yaml:4:38: listen.mode: \"0680\" is not a mode; write octal digits, 000 to 777"},
    {"ModeWithMoreThanPermissions", app_on("{address: unix:/s, mode: \"4660\"}"),
     "app.yaml:4:38: listen.mode: \"4660\" is not a mode; write octal digits, 000 to 777"},
    {"OwnerOfAPort", app_on("{address: 4000, mode: \"0660\", owner: root, group: root}"),
     "app.yaml:4:29: listen.mode: 127.0.0.1:4000 is no Unix socket, and has none; remove the key\n"
     "app.yaml:4:43: listen.owner: 127.0.0.1:4000 is no Unix socket, and has none; remove the key\n"
     "app.yaml:4:56: listen.group: 127.0.0.1:4000 is no Unix socket, and has none; remove the key"},
    {"OwnerWithoutName", app_on("{address: unix:/s, owner: \"\"}"),
     "app.yaml:4:39: listen.owner: is empty; write a name or a number"},
    {"HalfCloseOfAnotherKind", app_on("{address: 4000, half_close: ignore}"),
     "app.yaml:4:41: listen.half_close: \"ignore\" is unknown; write answer, abort"},
    {"BacklogOutOfRange", app_on("{address: 4000, backlog: 0}"),
     "app.yaml:4:38: listen.backlog: 0 is out of range; write 1 to 65535"},
    {"SameAddressTwice", app_on("[4000, 127.0.0.1:4000]"),
     "app.yaml:4:20: listen: 127.0.0.1:4000 is taken by app \"a\" (app.yaml:4:14)"},
    {"SameIPv6InTwoSpellings", app_on("[\"[::1]:4000\", \"[0:0::1]:4000\"]"),
     "app.yaml:4:28: listen: [::1]:4000 is taken by app \"a\" (app.yaml:4:14)"},
    {"SamePathInTwoSpellings", app_on("[unix:/run/a.sock, unix:/run/x/../a.sock]"),
     "app.yaml:4:32: listen: unix:/run/a.sock is taken by app \"a\" (app.yaml:4:14)"},
    {"LocalhostOverIPv4", app_on("[127.0.0.1:4000, localhost:4000]"),
     "app.yaml:4:30: listen: 127.0.0.1:4000 is taken by app \"a\" (app.yaml:4:14)"},
    {"WildcardFirst", app_on("[0.0.0.0:4000, 4000]"),
     "app.yaml:4:28: listen: 127.0.0.1:4000 is taken by 0.0.0.0:4000 of app \"a\" (app.yaml:4:14)"},
    {"WildcardLast", app_on("[4000, 0.0.0.0:4000]"),
     "app.yaml:4:20: listen: 0.0.0.0:4000 is taken by 127.0.0.1:4000 of app \"a\" (app.yaml:4:14)"},
    {"IPv6Wildcard", app_on("[\"[::]:4000\", \"[::1]:4000\"]"),
     "app.yaml:4:27: listen: [::1]:4000 is taken by [::]:4000 of app \"a\" (app.yaml:4:14)"},
    {"SameAddressInTwoApps",
     "apps:\n  - {name: a, plugin: a.so, listen: 4000}\n  - {name: b, plugin: a.so, listen: 4000}\n",
     "app.yaml:3:37: listen: 127.0.0.1:4000 is taken by app \"a\" (app.yaml:2:37)"},
};
INSTANTIATE_TEST_SUITE_P(Listen, BrokenConfiguration, testing::ValuesIn(kListen), name_of);

// One run tells everything, in the order of the file, whatever found it.
TEST(BrokenConfigurations, ListAllFindingsInFileOrder) {
  const char* yaml = R"(runtime_dir: [x]
log:
  level: loud
  colour: true
apps:
  - name: shop
    plugin: shop.so
    listen: [4000, example.org:80]
    workers: {min: 9, max: 3}
    timeout: 5s
  - name: shop
    listen:
      - 0.0.0.0:4000
    limits:
      head: 64k
      head: 64K
    timeouts:
      request: soon
      keep_alive: 1m
include: conf.d
)";
  EXPECT_EQ(verdict(yaml),
            "app.yaml:1:14: runtime_dir: must be a single value, not a list\n"
            "app.yaml:3:10: log.level: \"loud\" is unknown; write debug, info, warning, error\n"
            "app.yaml:4:3: unknown key \"colour\"; known here: file, level, format\n"
            "app.yaml:8:20: listen: host \"example.org\" is not numeric; write 127.0.0.1, 0.0.0.0 for all, [::1] or "
            "localhost\n"
            "app.yaml:9:14: workers: min (9) is more than max (3)\n"
            "app.yaml:10:5: unknown key \"timeout\"; did you mean \"timeouts\"?\n"
            "app.yaml:11:5: key \"plugin\" is missing\n"
            "app.yaml:11:5: name: another app is called \"shop\" already (app.yaml:6:5)\n"
            "app.yaml:13:9: listen: 0.0.0.0:4000 is taken by 127.0.0.1:4000 of app \"shop\" (app.yaml:8:14)\n"
            "app.yaml:15:13: limits.head: \"64k\" is not a size; write 512, 64K, 16M or 1G\n"
            "app.yaml:16:7: duplicate key \"head\"; the first one is in line 15\n"
            "app.yaml:18:16: timeouts.request: \"soon\" is not a duration; write 250ms, 30s, 5m or 1h\n"
            "app.yaml:19:7: key \"timeouts.keep_alive\" is not supported yet\n"
            "app.yaml:20:10: include: must be a list; write [ conf.d/*.yaml ]");
}

// What is behind an anchor is wrong once, however often it is used.
TEST(BrokenConfigurations, SayOnceWhatIsUsedTwice) {
  EXPECT_EQ(verdict("apps:\n"
                    "  - {name: a, plugin: a.so, listen: 1, limits: &l {haed: 1K}}\n"
                    "  - {name: b, plugin: a.so, listen: 2, limits: *l}\n"),
            "app.yaml:2:52: unknown key \"haed\"; did you mean \"head\"?");
  EXPECT_EQ(verdict("apps: [&a {name: a}, *a]\n"),
            "app.yaml:1:8: key \"plugin\" is missing\n"
            "app.yaml:1:8: key \"listen\" is missing\n"
            "app.yaml:1:8: name: another app is called \"a\" already (app.yaml:1:8)");
}

// Everything in one go, in the order of the file.
const Broken kMany[] = {
    {"TwelveFaults", R"(pid_file: ""
log: { level: loud, fromat: json }
limits: { reception: 1K }
apps:
  - name: Shop
    plugin: shop.so
    listen: [ 70000, "example.org:80" ]
    workers: { min: 9, max: two }
    timeouts: { head: 10, strat: 1s }
  - name: blog
    listen: 4000
    limits: { body: 16m }
)",
     "app.yaml:1:11: pid_file: names no path\n"
     "app.yaml:2:15: log.level: \"loud\" is unknown; write debug, info, warning, error\n"
     "app.yaml:2:21: unknown key \"fromat\"; did you mean \"format\"?\n"
     "app.yaml:3:22: limits.reception: 1K is out of range; write 1M to 64G\n"
     "app.yaml:5:11: name: \"Shop\" must be made of a-z, 0-9, _ and -\n"
     "app.yaml:7:15: listen: port 70000 is out of range; write 0 to 65535\n"
     "app.yaml:7:22: listen: host \"example.org\" is not numeric; write 127.0.0.1, 0.0.0.0 for all, [::1] or "
     "localhost\n"
     "app.yaml:8:29: workers.max: \"two\" is not a number; write digits, without a leading zero\n"
     "app.yaml:9:23: timeouts.head: \"10\" is not a duration; write 250ms, 30s, 5m or 1h\n"
     "app.yaml:9:27: unknown key \"strat\"; did you mean \"start\"?\n"
     "app.yaml:10:5: key \"plugin\" is missing\n"
     "app.yaml:12:21: limits.body: \"16m\" is not a size; write 512, 64K, 16M or 1G"},
};
INSTANTIATE_TEST_SUITE_P(Many, BrokenConfiguration, testing::ValuesIn(kMany), name_of);

}  // namespace

}  // namespace forklift::config
