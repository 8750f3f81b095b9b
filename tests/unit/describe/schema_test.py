"""conf/forklift.schema.json, as an editor uses it: what is right passes, each mistake is seen.

Run with the root of the repository as the only argument.
"""

import copy
import glob
import json
import re
import sys
import unittest

import jsonschema
import yaml

ROOT = sys.argv.pop()


def text_of(name):
    with open(f"{ROOT}/{name}", encoding="utf-8") as file:
        return file.read()


SCHEMA = json.loads(text_of("conf/forklift.schema.json"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)

GOOD = yaml.safe_load("apps: [{name: a, plugin: a.so, listen: 4000}]")

# Keys of the only app, as YAML: each is one mistake.
BAD_IN_APP = [
    "colour: red",
    "workers: 5",
    "workers: {max: many}",
    "workers: {max: 0}",
    "workers: {max: 10001}",
    "workers: {min: -1}",
    "workers: {jitter: 10}",
    "workers: {idle_timeout: 60}",
    "workers: {idle: 60s}",
    "limits: {head: 64k}",
    "limits: {head: 1048577}",
    "limits: {connections: [1]}",
    "timeouts: {start: 0}",
    "timeouts: {request: 10 s}",
    "timeouts: 10s",
    "queue: {length: 1000001}",
    "umask: '089'",
    "rlimits: {nofile: 15}",
    "rlimits: {core: none}",
    "no_new_privs: maybe",
    "environment: [TZ]",
    "environment: {1A: x}",
    "environment: {A: {b: c}}",
    "access_log: shop.log",
    "access_log: {format: json}",
    "listen: []",
    "listen: 65536",
    "listen: hello",
    "listen: {backlog: 10}",
    "listen: {address: 4000, backlog: 0}",
    "listen: {address: 4000, protocol: uwsgi}",
    "name: Shop",
    "plugin: ''",
    "dispatch: direct",
]
GOOD_IN_APP = [
    "workers: {min: 0, max: 10000, jitter: 0%, idle_timeout: 0}",
    "limits: {head: 1K, body: 0, body_rate: 1048576}",
    "timeouts: {start: 250ms, request: 0, total: 0s, stop: 1h}",
    "umask: 022",
    "umask: '0022'",
    "rlimits: {core: unlimited, as: 2G, cpu: 7}",
    "no_new_privs: false",
    "environment: {TZ: UTC, _N: 7, EMPTY: ''}",
    "settings: [{a: b}, 7, ~]",
    "settings: ~",
    "listen: unix:/run/a.sock",
    "listen: [4000, '[::1]:4000', {address: localhost:4001, backlog: 7}]",
    "user: 33",
    "access_log: {file: a.log, format: $status}",
]
BAD = [
    "{}",
    "apps: {}",
    "apps: [hello]",
    "apps: [{name: a, plugin: a.so}]",
    "{include: conf.d, apps: []}",
    "{log: {level: warn}, apps: []}",
    "{limits: {reception: 100}, apps: []}",
    "{defaults: {name: a}, apps: []}",
    "{defaults: {workers: {max: 0}}, apps: []}",
    "{control: '', apps: []}",
]


class Schema(unittest.TestCase):
    def mistakes(self, document):
        return [error.message for error in VALIDATOR.iter_errors(document)]

    def app_with(self, keys):
        document = copy.deepcopy(GOOD)
        document["apps"][0].update(yaml.safe_load(keys))
        return document

    def test_is_a_schema(self):
        jsonschema.Draft7Validator.check_schema(SCHEMA)

    def test_takes_every_configuration_of_the_repository(self):
        names = glob.glob(f"{ROOT}/conf/*.yaml")
        self.assertGreaterEqual(len(names), 3)
        for name in names:
            with self.subTest(name), open(name, encoding="utf-8") as file:
                self.assertEqual(self.mistakes(yaml.safe_load(file)), [])

    def test_takes_what_the_readme_shows(self):
        blocks = re.findall(r"^ *```yaml\n(.*?)```", text_of("README.md"), re.DOTALL | re.MULTILINE)
        blocks = [block for block in blocks if "apps:" in block]
        self.assertGreaterEqual(len(blocks), 2)
        for block in blocks:
            with self.subTest(block):
                self.assertEqual(self.mistakes(yaml.safe_load(block)), [])

    def test_takes_what_is_right(self):
        self.assertEqual(self.mistakes(GOOD), [])
        for keys in GOOD_IN_APP:
            with self.subTest(keys):
                self.assertEqual(self.mistakes(self.app_with(keys)), [])
        for text in ["include: [conf.d/*.yaml]", "{defaults: {access_log: {format: json}}, include: [a.yaml]}"]:
            with self.subTest(text):
                self.assertEqual(self.mistakes(yaml.safe_load(text)), [])

    def test_sees_every_mistake(self):
        for keys in BAD_IN_APP:
            with self.subTest(keys):
                self.assertNotEqual(self.mistakes(self.app_with(keys)), [])
        for text in BAD:
            with self.subTest(text):
                self.assertNotEqual(self.mistakes(yaml.safe_load(text)), [])


if __name__ == "__main__":
    unittest.main()
