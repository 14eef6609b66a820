"""secgan serve over sockets: its edits are the command's, its refusals are what openapi.json says, and nobody keeps others waiting."""

import concurrent.futures
import functools
import http.client
import io
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

import numpy
import pytest
import safetensors.numpy
from PIL import Image
from test_command import BUNDLE, COMMAND, aligned_bundle, refusal, run

jsonschema = pytest.importorskip("jsonschema")
referencing = pytest.importorskip("referencing")

ROOT = pathlib.Path(__file__).parents[2]
PHOTOS = ROOT / "examples" / "photos"
SHARE = pathlib.Path(COMMAND).resolve().parents[1] / "share" / "secgan"
DETECTOR = SHARE / "face-detector.safetensors"
API = json.loads((ROOT / "src" / "web" / "openapi.json").read_text())
PNG = {"Content-Type": "image/png"}
JSON = {"Content-Type": "application/json"}
HEAD = b"POST /api/photos HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: %d\r\n"


def resolved(node):
    while "$ref" in node:
        node = functools.reduce(lambda at, key: at[key], node["$ref"].removeprefix("#/").split("/"), API)
    return node


def operation(method, path):
    """(path of openapi.json, its operation) for a request; nothing for the page's files and for what is not there."""
    for template, operations in API["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path.split("?")[0]):
            return template, operations.get("get" if method == "HEAD" else method.lower())
    return None, None


def conforms(schema, value):
    registry = referencing.Registry().with_resource("api", referencing.jsonschema.DRAFT202012.create_resource(API))
    text = json.dumps(schema).replace('"#/components', '"api#/components')
    jsonschema.Draft202012Validator(json.loads(text), registry=registry).validate(value)


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def kind(self):
        return self.json["error"]["kind"]

    @property
    def pixels(self):
        return pixels(io.BytesIO(self.body))


def pixels(file):
    with Image.open(file) as opened:
        return numpy.asarray(opened.convert("RGB"), int)


class Server:
    def __init__(self, *arguments, bundle=BUNDLE):
        self.process = subprocess.Popen(
            [COMMAND, "serve", bundle, "--port", "0", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.address = self.process.stdout.readline().rstrip("\n")
        assert re.fullmatch(r"http://(127\.0\.0\.1|\[::1\]|0\.0\.0\.0):\d+/", self.address), self.process.stderr.read()
        self.port = int(self.address.rsplit(":", 1)[1].rstrip("/"))

    def connect(self, source=None):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60, source_address=source)

    def ask(self, method, path, body=None, headers=(), source=None):
        """An answer, which openapi.json allows."""
        connection = self.connect(source)
        names = [name for name, _ in headers.items()] if isinstance(headers, dict) else [name for name, _ in headers]
        connection.putrequest(method, path, skip_host="Host" in names, skip_accept_encoding=True)
        for name, value in headers.items() if isinstance(headers, dict) else headers:
            connection.putheader(name, value)
        if body is not None and not {"Content-Length", "Transfer-Encoding"} & set(names):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = Answer(connection.getresponse())
        connection.close()
        check(method, path, answer)
        return answer

    def open(self, file, query=""):
        answer = self.ask("POST", f"/api/photos{query}", pathlib.Path(file).read_bytes(), PNG)
        assert answer.status == 201, answer.body
        return answer.json

    def edit(self, photo, *faces, what="edits", **how):
        return self.ask("POST", f"/api/photos/{photo['id']}/{what}", json.dumps({"faces": faces, **how}).encode(), JSON)

    def unread(self):
        """Bytes that were sent to the server, and that it has not read."""
        out = 0
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, local, remote, _, queues, *_ = line.split()
            sending, received = (int(queue, 16) for queue in queues.split(":"))
            if int(local.split(":")[1], 16) == self.port:
                out += received
            elif int(remote.split(":")[1], 16) == self.port:
                out += sending
        return out

    def stop(self, how=signal.SIGTERM):
        """(exit status, standard error)"""
        self.process.send_signal(how)
        _, error = self.process.communicate(timeout=60)
        return self.process.returncode, error


def check(method, path, answer):
    """That an answer is one that openapi.json describes, and dressed as each must be."""
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    if answer.status >= 400 and method != "HEAD":
        conforms({"$ref": "#/components/schemas/Error"}, answer.json)
    template, known = operation(method, path)
    if template and template != "/model.json":
        assert answer.headers["Cache-Control"] == ("no-cache" if answer.status == 200 and template == "/api/openapi.json" else "no-store")
    if not known:
        return
    described = resolved(known["responses"][str(answer.status)])
    for name, header in described.get("headers", {}).items():
        value = answer.headers[name]
        if value is None:
            assert not resolved(header).get("required")
        else:
            conforms(resolved(header)["schema"], int(value) if value.isdigit() else value)
    content = described.get("content", {})
    kind = answer.headers.get_content_type() if answer.headers["Content-Type"] else None
    assert (kind in content) if content else not answer.body
    if "schema" in content.get(kind, {}) and method != "HEAD":
        conforms(content[kind]["schema"], answer.json)


@pytest.fixture(scope="module")
def start():
    servers = []

    def started(*arguments, **options):
        servers.append(Server(*arguments, **options))
        return servers[-1]

    yield started
    for server in servers:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture(scope="module")
def server(start):
    return start("--requests-per-minute", 0)


@pytest.fixture(scope="module")
def overflowing(start, tmp_path_factory):
    """A server whose bundle's edits are not finite."""
    folder = tmp_path_factory.mktemp("bundles") / "overflowing"
    shutil.copytree(BUNDLE, folder)
    file = folder / "model.safetensors"
    with safetensors.safe_open(file, "np") as opened:
        told = opened.metadata()
    weights = {
        name: weight * numpy.float32(1e30) if name.startswith("generator.") and name.endswith(("weight", "bias")) else weight
        for name, weight in safetensors.numpy.load_file(file).items()
    }
    safetensors.numpy.save_file(weights, file, told)
    return start("--requests-per-minute", 0, bundle=folder)


def test_an_edit_is_the_commands_to_the_bit(server, tmp_path):
    photo = server.open(PHOTOS / "anna.png")
    assert photo["faces"] == [] and photo["width"] == photo["height"] == 64
    found = server.edit(photo, {"face": 0, "edits": {"Eyeglasses": 1, "Blond_Hair": 0.5}})
    run("edit", BUNDLE, PHOTOS / "anna.png", "--set", "Eyeglasses=1", "--set", "Blond_Hair=0.5", "--out", tmp_path)
    assert found.body == (tmp_path / "anna.png").read_bytes()
    source = server.ask("GET", f"/api/photos/{photo['id']}/faces/0").json["source"]
    given = server.edit(photo, {"face": 0, "edits": {"Male": -1}, "source": {**source, "Male": True}}, region="exact")
    has = ",".join([name for name, shown in source.items() if shown] + ["Male"])
    run("edit", BUNDLE, PHOTOS / "anna.png", "--set", "Male=-1", "--source", has, "--region", "exact", "--out", tmp_path)
    assert given.body == (tmp_path / "anna.png").read_bytes()
    assert (given.pixels != pixels(PHOTOS / "anna.png")).any() and (given.pixels == pixels(PHOTOS / "anna.png")).any()


def test_the_same_question_has_the_same_answer(start):
    plain, compiled = start("--requests-per-minute", 0), start("--engine", "libtorch", "--requests-per-minute", 0)
    answers = []
    for server in (plain, compiled):
        photo = server.open(PHOTOS / "carla.png")
        faces = [{"face": 0, "edits": {"Male": strength / 4}, "source": {}} for strength in range(-4, 5)]
        first = [server.edit(photo, one).body for one in faces]
        assert [server.edit(photo, one).body for one in faces] == first, "edits before it leave no trace"
        answers.append([pixels(io.BytesIO(one)) for one in first])
    differences = [numpy.abs(one - other) for one, other in zip(*answers, strict=True)]
    assert 0 < max(one.max() for one in differences) <= 1, "compiled, it rounds otherwise"


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_what_comes_back_says_how_it_was_made(server, kind, tmp_path):
    photo = server.open(PHOTOS / "ben.png")
    (tmp_path / f"ben.{kind}").write_bytes(server.edit(photo, {"face": 0, "edits": {"Bangs": 1}}, format=kind).body)
    said = run("inspect", tmp_path / f"ben.{kind}").stdout
    assert "Bangs=1" in said and "drawn-faces" in said and "compositeWithTrainedAlgorithmicMedia" in said


@pytest.mark.skipif(not DETECTOR.exists(), reason="no face detector is installed: make build fetches it")
@pytest.mark.parametrize("region", ["free", "exact"])
def test_faces_in_a_photo_are_edited_as_by_the_command(start, region, tmp_path):
    bundle = aligned_bundle(tmp_path / "bundle", trained_on="CelebA")
    scene = Image.merge("RGB", [Image.linear_gradient("L").resize((700, 400)).point(lambda v, i=i: 60 + v // (3 + i)) for i in range(3)])
    for name, side, place in (("carla", 300, (20, 10)), ("ben", 200, (420, 150))):
        with Image.open(PHOTOS / f"{name}.png") as face:
            scene.paste(face.convert("RGB").resize((side, side), Image.BICUBIC), place)
    scene.save(tmp_path / "us.png")
    server = start(bundle=bundle)
    photo = server.open(tmp_path / "us.png")
    assert len(photo["faces"]) == 2 and photo["shown"] == {"x": 0, "y": 0, "width": 700, "height": 400}
    for which, faces in (("2", [1]), ("all", [0, 1])):
        out = tmp_path / which
        run(
            "edit",
            bundle,
            tmp_path / "us.png",
            "--set",
            "Eyeglasses=1",
            "--face",
            which,
            "--source",
            "Male",
            "--region",
            region,
            "--out",
            out,
        )
        edits = [{"face": face, "edits": {"Eyeglasses": 1}, "source": {"Male": True}} for face in faces]
        assert server.edit(photo, *edits, region=region).body == (out / "us.png").read_bytes()
    looked = server.ask("GET", f"/api/photos/{photo['id']}/faces/1")
    assert set(looked.json["source"]) == set(json.loads((bundle / "config.json").read_text())["info"]["attributes"])
    masks = server.edit(photo, {"face": 1, "edits": {"Eyeglasses": 1}}, what="masks")
    ids = numpy.asarray(Image.open(io.BytesIO(masks.body)))
    assert ids.shape == (400, 700) and (ids[:, :300] == 12).all() and (ids[150:350, 420:620] < 12).mean() > 0.5
    wall = scene.crop((320, 0, 400, 400)).resize((300, 200))
    wall.save(tmp_path / "wall.png")
    assert server.ask("POST", "/api/photos", (tmp_path / "wall.png").read_bytes(), PNG).kind == "no-face"
    assert server.open(tmp_path / "wall.png", "?middle=true")["faces"] == []


def provoked(server, limited, overflowing, method, template):
    """An answer for each status of an operation but 500 and, where nothing can be sent to it, 503."""
    photo = server.open(PHOTOS / "anna.png")
    path = template.replace("{id}", photo["id"]).replace("{face}", "0")
    sent = PNG if template == "/api/photos" else JSON if method == "POST" else {}
    body = (PHOTOS / "anna.png").read_bytes() if sent is PNG else b'{"faces": [{"face": 0, "edits": {"Male": 1}}]}' if sent else None
    ask = functools.partial(server.ask, method, path)
    yield (
        200,
        ask(body, sent) if method != "DELETE" else server.ask(method, path.replace(photo["id"], server.open(PHOTOS / "ben.png")["id"])),
    )
    yield 400, ask(body, [*sent.items(), ("Origin", "a"), ("Origin", "b")])
    yield 403, ask(body, {**sent, "Origin": "https://strange.example"})
    yield 404, server.ask(method, path.replace(photo["id"], "0" * 32), body, sent)
    yield 405, server.ask("PATCH", path)
    yield 411, ask(b"1\r\nx\r\n0\r\n\r\n", {**sent, "Transfer-Encoding": "chunked"})
    yield 413, ask(None, {**sent, "Content-Length": str(1 << 40)})
    yield 415, ask(body, {"Content-Type": "text/plain"})
    yield 421, ask(body, {**sent, "Host": "strange.example"})
    if sent is PNG:
        yield 422, ask(b"no picture", sent)
    elif sent is JSON:
        there = overflowing.open(PHOTOS / "anna.png")
        yield 422, overflowing.ask(method, path.replace(photo["id"], there["id"]), body, sent)
    limited.ask("GET", "/")
    yield 429, limited.ask(method, path, body, sent)


@pytest.mark.parametrize(
    ("template", "method"), [(path, method) for path, known in API["paths"].items() for method in known if len(method) < 7]
)
def test_every_status_that_is_described_is_given(server, start, overflowing, template, method):
    limited = start("--requests-per-minute", 1)
    described = set(API["paths"][template][method]["responses"])
    seen = set()
    for wanted, answer in provoked(server, limited, overflowing, method.upper(), template):
        if str(wanted) in described or (wanted == 200 and answer.status < 300):
            assert wanted in (answer.status, 200), (wanted, answer.body)
            seen.add(str(answer.status))
    assert described - seen <= {"500", "503"}
    limited.stop()


def test_the_description_holds_together():
    references = re.findall(r'"\$ref": "([^"]+)"', (ROOT / "src" / "web" / "openapi.json").read_text())
    for reference in references:
        assert resolved({"$ref": reference})
    named = {(group, name) for group, all_of in API["components"].items() for name in all_of}
    assert {tuple(reference.split("/")[-2:]) for reference in references} == named, "each is used"
    for schema in API["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    names = [one["operationId"] for known in API["paths"].values() for method, one in known.items() if method != "parameters"]
    assert len(set(names)) == len(names) == 7
    for path, known in API["paths"].items():
        parameters = [resolved(one) for one in known.get("parameters", [])]
        assert {one["name"] for one in parameters} == set(re.findall(r"\{(\w+)\}", path))


def test_the_page_and_its_description(server):
    assert server.ask("GET", "/").headers["Content-Type"] == "text/html; charset=utf-8"
    model = server.ask("GET", "/model.json").json
    assert model["server"] == {"most_bytes": 32 << 20} and model["mask_branch"] is True
    assert server.ask("GET", "/api/openapi.json").json == API
    for name in model["files"]:
        answer = server.ask("GET", f"/{name}")
        assert answer.status == 200 and len(answer.body) == model["files"][name]
        head = server.ask("HEAD", f"/{name}")
        assert head.status == 200 and head.body == b"" and head.headers["Content-Length"] == str(len(answer.body))
    assert not [name for name in model["files"] if name.startswith(("networks/", "runtime/")) or name == "offline.js"]
    for path in ("/offline.js", "/../README.md", "/%2e%2e/README.md", "/etc/passwd", "//etc/passwd", "/api", "/index.html/"):
        assert server.ask("GET", path).status == 404


def test_too_much_is_refused_whoever_waits_for_the_answer(start):
    server = start("--max-megabytes", 1, "--requests-per-minute", 0)
    large = b"x" * (3 << 20)
    assert server.ask("POST", "/api/photos", large, PNG).kind == "too-large"
    # A client that waits is told before it sends anything.
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(HEAD % (1 << 30) + b"Expect: 100-continue\r\n\r\n")
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 413 ")
    # Nor are chunked bodies kept, of which nobody knows the end.
    connection = server.connect()
    connection.request("POST", "/api/photos", iter([large] * 3), PNG, encode_chunked=True)
    answer = Answer(connection.getresponse())
    assert answer.status == 411 and answer.kind == "length"
    # After a body that was thrown away the connection goes on.
    connection = server.connect()
    for _ in range(2):
        connection.request("POST", "/api/photos", large, PNG)
        assert Answer(connection.getresponse()).status == 413
    connection.request("GET", "/model.json")
    assert Answer(connection.getresponse()).json["server"] == {"most_bytes": 1 << 20}
    # Bodies on their way are bounded in all: eight photos.
    waiting = []
    for _ in range(8):
        client = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        client.sendall(HEAD % (1 << 20) + b"\r\n" + b"x" * ((1 << 20) - 1))
        waiting.append(client)
    while server.unread():
        time.sleep(0.01)
    full = server.ask("POST", "/api/photos", b"x" * (1 << 20), PNG, source=("127.0.0.2", 0))
    assert full.status == 503 and full.kind == "busy" and full.headers["Retry-After"] == "1"
    assert server.ask("GET", "/", source=("127.0.0.2", 0)).status == 200
    for client in waiting:
        client.sendall(b"x")
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 422 ")
        client.close()


def test_an_address_has_its_share(start):
    server = start("--requests-per-minute", 3)
    assert [server.ask("GET", "/").status for _ in range(3)] == [200] * 3
    limited = server.ask("GET", "/")
    assert limited.status == 429 and limited.kind == "too-many-requests" and 1 <= int(limited.headers["Retry-After"]) <= 20
    assert server.ask("GET", "/", source=("127.0.0.2", 0)).status == 200, "others have their own"


def test_others_names_and_origins(start):
    server = start("--allow-host", "faces.example", "--allow-host", "photos.example", "--requests-per-minute", 0)
    for host in (f"localhost:{server.port}", "127.0.0.1", "faces.example", "photos.example:443"):
        assert server.ask("GET", "/", headers={"Host": host}).status == 200
        assert server.ask("GET", "/", headers={"Host": host, "Origin": f"http://{host}"}).status == 200
    assert server.ask("GET", "/", headers={"Host": "rebound.example"}).kind == "host"
    assert server.ask("GET", "/", headers={"Host": "faces.example", "Origin": "https://other.example"}).kind == "origin"


def test_a_slow_client_keeps_nobody_waiting(server):
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=60) as slow,
        socket.create_connection(("127.0.0.1", server.port)) as half,
    ):
        slow.sendall(HEAD % 1000 + b"\r\nhalf")
        half.sendall(b"GET / HT")
        assert server.open(PHOTOS / "anna.png")["width"] == 64
        half.sendall(b"TP/1.1\r\nHost: localhost\r\n\r\n")
        assert half.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_clients_beside_one_another_get_their_own(server):
    photos = sorted(PHOTOS.glob("*.png"))
    edits = [{name: 1} for name in ("Eyeglasses", "Male", "Bangs")]

    def edited(i):
        photo = server.open(photos[i % len(photos)])
        return [server.edit(photo, {"face": 0, "edits": one, "source": {}}).body for one in edits]

    expected = [edited(i) for i in range(len(photos))]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(edited, range(16))) == [expected[i % len(photos)] for i in range(16)]
    assert len({body for of in expected for body in of}) == 3 * len(photos)


def test_photos_beyond_the_limit_are_forgotten(start):
    server = start("--max-photos", 2, "--requests-per-minute", 0)
    first, second, third = (server.open(PHOTOS / "anna.png") for _ in range(3))
    assert server.edit(first).kind == "unknown-photo" and "send the photo again" in server.edit(first).json["error"]["message"]
    assert server.edit(second).status == server.edit(third).status == 200
    assert server.ask("DELETE", f"/api/photos/{third['id']}").status == 204
    assert server.edit(third).kind == "unknown-photo"


@pytest.mark.parametrize(("how", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_after_the_edit(start, how, status, tmp_path):
    server = start("--verbose")
    with Image.open(PHOTOS / "anna.png") as anna:
        anna.resize((2000, 2000)).save(tmp_path / "large.png")
    photo = server.open(tmp_path / "large.png")
    waiting = [server.connect() for _ in range(8)]
    for connection in waiting:
        connection.request("POST", f"/api/photos/{photo['id']}/edits", json.dumps({"faces": [{"face": 0, "edits": {"Male": 1}}]}), JSON)
    while server.unread():
        time.sleep(0.01)
    code, error = server.stop(how)
    answers = [Answer(connection.getresponse()) for connection in waiting]
    for answer in answers:
        assert answer.status in (200, 503) and len(answer.body) == int(answer.headers["Content-Length"])
    assert answers[-1].kind == "busy", "what waits is told"
    assert code == status and error.endswith("secgan serve: stopped; the photos are forgotten\n")
    assert "POST /api/photos 201, " in error and photo["id"] not in error, "whoever reads the log sees no photo"


def test_places_that_cannot_be_listened_on(start):
    server = start()
    line = refusal("serve", BUNDLE, "--port", server.port, status=1)
    assert f"port {server.port} of '127.0.0.1' cannot be used: Address already in use" in line
    assert "port 80 of '203.0.113.1' cannot be used" in refusal("serve", BUNDLE, "--host", "203.0.113.1", "--port", 80, status=1)
    assert "the value is empty" in refusal("serve", BUNDLE, "--host", "", status=2)
    assert "must be a whole number from 0 to 65535" in refusal("serve", BUNDLE, "--port", 65536, status=2)
    assert "--detector" in refusal("serve", BUNDLE, "--detector", "x", status=2)
    network = start("--host", "0.0.0.0")
    assert "proxy with TLS" in network.stop()[1]
    assert server.stop()[1].count("\n") == 1, "loopback is nobody else's"


def test_ipv6(start):
    try:
        socket.socket(socket.AF_INET6).bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    server = start("--host", "::1")
    with urllib.request.urlopen(server.address) as page:
        assert page.status == 200
    assert server.stop()[1].count("\n") == 1


def test_a_bundle_without_a_generator_is_not_served(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    folder = tmp_path / "parser"
    folder.mkdir()
    config = json.loads((pathlib.Path(BUNDLE) / "config.json").read_text())
    config["networks"] = {"parser": config["networks"]["parser"]}
    (folder / "config.json").write_text(json.dumps(config))
    tensors = safetensors.load_file(pathlib.Path(BUNDLE) / "model.safetensors")
    safetensors.save_file(
        {name: value for name, value in tensors.items() if name.startswith("parser.")}, folder / "model.safetensors", {"format": "pt"}
    )
    assert "has no generator" in refusal("serve", folder, status=1)
