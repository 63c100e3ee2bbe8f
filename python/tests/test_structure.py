"""The house as ARCHITECTURE.md draws it: which crate may know which, and no two files that need each other."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
CRATES = sorted(path.parent.name for path in HOUSE.glob("rust/*/Cargo.toml"))

# What each crate may know of the others, at run time.
ARROWS = {
    "names": set(),
    "settings": {"names"},
    "world": {"names"},
    "records": set(),
    "wire-derive": set(),
    "wire": {"wire-derive"},
    "link": {"wire", "world"},
    "cluster": {"names", "wire"},
    "coordination": {"names"},
    "groups": {"cluster", "names", "wire"},
    "log": {"names", "records", "world"},
    "broker": {"cluster", "coordination", "groups", "log", "names", "records", "settings", "wire", "world"},
    "client": {"coordination", "groups", "link", "names", "records", "settings", "wire", "world"},
    "native": {"broker", "client", "log", "names", "records", "settings", "wire"},
}


def test_crates_know_only_what_stands_below_them():
    command = ["cargo", "metadata", "--format-version=1", "--no-deps", "--offline"]
    found = json.loads(subprocess.run(command, cwd=HOUSE, check=True, capture_output=True).stdout)
    known = {
        package["name"].removeprefix("kafkalite-"): {
            each["name"].removeprefix("kafkalite-")
            for each in package["dependencies"]
            if each["name"].startswith("kafkalite-") and each["kind"] is None
        }
        for package in found["packages"]
    }
    assert known == ARROWS


@pytest.mark.parametrize("crate", CRATES)
def test_no_files_of_a_crate_use_each_other(crate):
    files = {module_of(path): path for path in sources(crate)}
    uses = uses_among(files)
    assert len(files) == 1 or any(uses.values()), "nothing was read"
    assert [[str(files[each].relative_to(HOUSE)) for each in circle] for circle in circles(uses)] == []


def test_no_modules_of_python_import_each_other():
    root = HOUSE / "python"
    paths = {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for path in root.glob("kafkalite/**/*.py")
    }
    uses = {
        name: {to for to in imported_by(path, set(paths)) if not is_front_page(to.split("."), name.split("."))}
        for name, path in paths.items()
    }
    assert any(uses.values()), "nothing was read"
    assert circles(uses) == []


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def test_what_rust_uses_is_read():
    text = "//! crate::not_this\nuse super::a::{self, B as C, d::*};\nfn f() { crate::e::f() } /// super::nor::this\n"
    found = set(paths_in(text))
    assert found == {("super", "a", "self"), ("super", "a", "B"), ("super", "a", "d", "*"), ("crate", "e", "f")}


def test_what_stands_behind_the_name_of_a_file_of_tests_is_read():
    text = "#[cfg(test)]\nmod tests;\nuse super::a;\n#[cfg(test)]\nmod more {\n    use super::b;\n}\n"
    assert set(paths_in(without_tests(text))) == {("super", "a")}


def test_a_circle_is_found_behind_what_a_front_page_uses_for_its_folder(tmp_path):
    texts = {
        ("room",): "mod one;\nmod two;\n#[cfg(test)]\nmod tests;\nuse two::Two;\n",
        ("room", "one"): "use super::Two;\npub struct One(Two);\n",
        ("room", "two"): "pub struct Two(super::one::One);\n",
    }
    assert circles(uses_of(texts, tmp_path)) == [[("room", "one"), ("room", "two")]]


def test_a_circle_is_found_through_what_a_front_page_defines(tmp_path):
    page = "mod one;\nmod two;\nuse two::Two;\npub struct Both {\n    two: Two,\n}\nimpl Both { fn f() { one::f() } }\n"
    texts = {
        ("room",): page,
        ("room", "one"): "use super::Both;\npub fn f(_: Both) {}\n",
        ("room", "two"): "pub struct Two(super::one::One);\n",
    }
    assert circles(uses_of(texts, tmp_path)) == [[("room", "one"), ("room", "two")]]
    texts["room", "two"] = "use super::Both;\npub struct Two(fn(Both));\n"
    assert (
        circles(uses_of(texts, tmp_path)) == []
    )  # of the two only the front page above it needs the file, and the other way


def uses_of(texts, directory):
    files = {module: directory / "_".join(module) for module in texts}
    for module, text in texts.items():
        files[module].write_text(text)
    code.cache_clear()
    definitions.cache_clear()
    return uses_among(files)


def uses_among(files):
    return {module: {to for to in used_by(module, files) if not is_front_page(to, module)} for module in files}


def is_front_page(of, module):
    """Whether ``of`` is the module itself, or shows on the front page of its folder what the folder's files make."""
    return module[: len(of)] == of


def sources(crate):
    """The files of a crate that are not tests."""
    found = (HOUSE / "rust" / crate / "src").rglob("*.rs")
    return [path for path in found if "tests" not in path.parts and path.stem != "tests"]


def module_of(path):
    parts = path.parts[path.parts.index("src") + 1 : -1]
    return parts if path.stem in ("mod", "lib") else (*parts, path.stem)


@cache
def code(path):
    return without_tests(path.read_text())


def without_tests(text):
    """What is compiled outside of tests. Those that are not in a file of their own stand at the end of a file."""
    tests = r"#\[cfg\(test\)\]\s+(?:pub[^ ]* )?mod \w+\s*"
    return re.split(tests + r"\{", re.sub(tests + ";", "", text))[0]


def paths_in(text):
    """The paths that a file's code names, those in braces one by one."""
    text = bare(text)
    yield from imports(text)
    rest = re.sub(r"\buse [^;]+;", "", text)
    for match in re.finditer(r"\b(?:crate|super|self)(?:::\w+)+", rest):
        yield tuple(match[0].split("::"))


def bare(text):
    """Without comments, and without what is in quotes."""
    return re.sub(r"//.*", "", re.sub(r'"(?:[^"\\]|\\.)*"', '""', text))


def imports(text):
    for match in re.finditer(r"\buse ([^;]+);", bare(text)):
        yield from flattened(re.sub(r"\s+", " ", match[1]))


def flattened(tree, before=()):
    tree = tree.strip().removeprefix("::")
    if "{" not in tree:
        yield before + tuple(tree.split(" as ")[0].strip().split("::"))
        return
    head, _, body = tree.partition("{")
    before += tuple(part for part in head.strip().split("::") if part)
    depth, start, body = 0, 0, body.rpartition("}")[0] + ","
    for at, letter in enumerate(body):
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0:
            if branch := body[start:at].strip():
                yield from flattened(branch, before)
            start = at + 1


def used_by(module, files):
    for path in paths_in(code(files[module])):
        yield from definer(module, path, files)


def definer(module, path, files, depth=0):
    """The file of this crate that a path leads to, through what other files hand on."""
    head, rest = path[0], path[1:]
    if head == "crate":
        at = ()
    elif head in ("self", "super"):
        at = module if head == "self" else module[:-1]
        while rest and rest[0] == "super":
            at, rest = at[:-1], rest[1:]
    elif (*module, head) in files:
        at, rest = module, path
    else:
        return  # another crate's
    while rest and (*at, rest[0]) in files:
        at, rest = (*at, rest[0]), rest[1:]
    if at not in files:
        return
    if rest and depth < 8:
        handed_on = list(behind(at, rest[0], files, depth))
        if handed_on:
            yield from handed_on
            return
        if at != module and is_front_page(at, module):
            yield from needed_on(at, rest[0], files, set())
    yield at


def behind(at, name, files, depth):
    """The file behind a name that another one uses."""
    # Also what a front page uses without ``pub`` is there for the files of its folder.
    for other in (each for each in imports(code(files[at])) if each[-1] == name):
        found = list(definer(at, other, files, depth + 1))
        if found and found != [at]:
            return found
    return []


def needed_on(page, name, files, seen):
    """The files without which there would not be what a front page defines under a name."""
    seen.add(name)
    text = definitions(files[page]).get(name)
    if text is None:
        return
    for path in paths_in(text):
        yield from definer(page, path, files)
    words = set(re.findall(r"\w+", text))
    for path in imports(code(files[page])):
        if path[-1] in words:
            yield from definer(page, path, files)
    for word in words - seen:
        yield from needed_on(page, word, files, seen)


@cache
def definitions(path):
    """What is written of each type, trait, function and constant where it is defined; without methods."""
    text = bare(code(path))
    kinds = "struct|enum|trait|type|const|static|(?:async )?fn"
    starts = re.finditer(rf"^(?:pub[^ ]* )?(?:{kinds}) (\w+)", text, re.MULTILINE)
    return {found[1]: text[found.start() : end_of(text, found.start())] for found in starts}


def end_of(text, start):
    """Where a definition ends: with the semicolon, or the brace, that is in no other."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] in "{([") - (text[at] in "})]")
        if depth == 0 and text[at] in ";}":
            return at + 1
    return len(text)


def imported_by(path, modules):
    for line in re.findall(r"^\s*from (kafkalite[\w.]*) import ([^(\n]+|\([^)]*\))", path.read_text(), re.MULTILINE):
        package, names = line
        found = [name.split(" as ")[0].strip() for name in names.strip("()").split(",")]
        inside = {f"{package}.{name}" for name in found} & modules
        yield from inside or {package} & modules


def circles(uses):
    """Groups of nodes each of which leads to every other."""

    def reached(start):
        seen = set()
        ahead = [start]
        while ahead:
            new = uses.get(ahead.pop(), set()) - seen
            seen |= new
            ahead.extend(new)
        return seen

    reach = {node: reached(node) for node in uses}
    return sorted(
        [node, *sorted(other for other in reach[node] if node in reach[other] and other != node)]
        for node in uses
        if node in reach[node] and node == min(o for o in reach[node] if node in reach[o])
    )
