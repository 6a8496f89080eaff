"""Definitions in code with blocks, found without a grammar."""

from __future__ import annotations

import pytest
from counted_work import lines_in

from mba_integrations.ingest.chunking import chunks
from mba_integrations.ingest.code.blocks import nested_definitions
from mba_integrations.ingest.code.symbols import Symbols


def found(code: str) -> list[tuple[str, int, int]]:
    """Name, first and last line of each definition, from 1."""
    definitions = nested_definitions(code.strip("\n").split("\n"))
    return [(one.name, one.start + 1, one.end) for one in definitions]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param(
            "import a;\n\n/** Adds. */\n@Test\npublic int add(int a) {\n    return a;\n}",
            [("add", 3, 7)],
            id="java-with-comment-and-annotation",
        ),
        pytest.param(
            "int add(int a,\n        int b)\n{\n    return a;\n}\n\nint limit = 3;",
            [("add", 1, 5)],
            id="c-with-its-brace-on-a-line",
        ),
        pytest.param(
            "func (s *Store) Get(id int) int {\n\treturn id\n}\n",
            [("Get", 1, 3)],
            id="go-method",
        ),
        pytest.param(
            "impl<T> Pool for Store<T> {\n    fn get(&self) {\n        1\n    }\n}",
            [("Store", 1, 5), ("Store.get", 2, 5)],
            id="rust-impl",
        ),
        pytest.param(
            "class Pool < Base\n  def get(id)\n    id\n  end\n\n  def put\n    1\n  end\nend",
            [("Pool", 1, 9), ("Pool.get", 2, 4), ("Pool.put", 6, 9)],
            id="ruby",
        ),
        pytest.param(
            "export const add = (a) => {\n  return a;\n};\nconst limit = 3;",
            [("add", 1, 3)],
            id="arrow-function",
        ),
        pytest.param("import {\n  a,\n} from 'b';", [], id="import-on-lines"),
        pytest.param("if (x) {\n  run();\n}", [], id="statement"),
        pytest.param("int a() { return 1; }", [], id="no-body-of-its-own"),
        pytest.param("// Only.\n\nvoid f() {\n  1;\n}", [("f", 3, 5)], id="comment-apart"),
        pytest.param("", [], id="empty"),
        pytest.param("}\n  }\n", [], id="only-ends"),
    ],
)
def test_definitions_are_found_by_their_indentation(
    code: str, expected: list[tuple[str, int, int]]
) -> None:
    assert found(code) == expected


def test_code_is_cut_at_its_definitions() -> None:
    code = "import a;\n\n// One.\nvoid f() {\n  1;\n}\n\nvoid g() {\n  2;\n}\nint x;\n"
    assert chunks(code, path="a.c") == [
        "import a;",
        "// One.\nvoid f() {\n  1;\n}",
        "void g() {\n  2;\n}",
        "int x;",
    ]


def test_methods_of_a_long_definition_repeat_its_first_line() -> None:
    methods = "\n".join(f"  m{number}() {{\n    return {number};\n  }}" for number in range(9))
    pieces = chunks(f"class Long {{\n{methods}\n}}\n", path="a.ts", max_chars=80)
    assert len(pieces) > 3
    assert all(piece.startswith("class Long {\n") for piece in pieces)


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        pytest.param(3, 4, "A.f", id="method"),
        pytest.param(2, 4, "A.f", id="with-its-comment"),
        pytest.param(3, 6, "A", id="two-methods"),
        pytest.param(8, 8, "", id="outside"),
        pytest.param(1, 8, "", id="more-than-one"),
    ],
)
def test_lines_belong_to_the_innermost_definition_that_has_them_all(
    first: int, last: int, name: str
) -> None:
    code = (
        "class A:\n    # Says hi.\n    def f(self):\n        pass\n"
        "    def g(self):\n        pass\n\nx = 1\n"
    )
    assert Symbols(code, ".py").at(first, last) == name


def test_work_on_deeply_nested_code_grows_with_its_lines() -> None:
    def work(depth: int) -> int:
        code = "\n".join(f"{' ' * place}class A{place} {{" for place in range(depth))
        return lines_in(lambda: chunks(code, path="a.js", max_chars=50))

    assert work(400) < 4 * work(200)  # four times the characters
