import json
from decimal import Decimal
from pathlib import Path
from stat import S_IMODE

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.repository_settings import (
    OperatorSettings,
    Problem,
    RepositorySettings,
    operator_values,
    read_operator,
    read_repository,
    schema,
)
from bot.settings import SettingsError, app_credentials, from_environment, make_private
from bot.store.database import Database
from tests.steps import instructions

KEY = "-----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY-----\n"
ALL = {
    "MERGECOST_APP_ID": "7",
    "MERGECOST_APP_SLUG": "mergecost",
    "MERGECOST_PRIVATE_KEY": KEY,
    "MERGECOST_WEBHOOK_SECRET": "s",
}


def test_nothing_set_means_sqlite_and_no_app(tmp_path):
    settings = from_environment({"MERGECOST_DATA": str(tmp_path)})
    assert settings.database_url == f"sqlite:///{tmp_path}/mergecost.db"
    assert settings.api_url == "https://api.github.com"
    assert app_credentials(settings, {}) is None


def test_the_data_folder_is_the_same_wherever_a_command_is_run(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert from_environment({}).data_dir == tmp_path / ".local/share/mergecost"
    assert from_environment({"XDG_DATA_HOME": "relative"}).data_dir == tmp_path / ".local/share/mergecost"
    assert from_environment({"XDG_DATA_HOME": "/srv"}).data_dir == Path("/srv/mergecost")
    toml = tmp_path / ".local/share/mergecost/mergecost.toml"
    toml.parent.mkdir(parents=True)
    toml.touch()
    assert from_environment({}).repository_settings == toml


def test_an_enterprise_server_has_its_own_addresses():
    settings = from_environment({"MERGECOST_GITHUB_URL": "https://git.corp.example/"})
    assert (settings.api_url, settings.github_host) == ("https://git.corp.example/api/v3", "git.corp.example")


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"MERGECOST_GITHUB_URL": "git.corp.example"}, "must start with https://"),
        ({"MERGECOST_PUBLIC_URL": "mergecost.example"}, "must start with https://"),
        ({"MERGECOST_SETTINGS": "/nowhere.toml"}, "which is not a file"),
    ],
)
def test_wrong_settings_are_refused_in_words(environ, says):
    with pytest.raises(SettingsError, match=says):
        from_environment(environ)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"MERGECOST_WEBHOOK_SECRET": ""}, "but not MERGECOST_WEBHOOK_SECRET"),
        ({"MERGECOST_APP_ID": "Iv23"}, "must be the App's number"),
        ({"MERGECOST_PRIVATE_KEY": "/nowhere.pem"}, "neither a key nor a file"),
    ],
)
def test_half_an_app_is_refused(tmp_path, change, says):
    with pytest.raises(SettingsError, match=says):
        app_credentials(from_environment({"MERGECOST_DATA": str(tmp_path)}), ALL | change)


def test_an_app_from_the_environment(tmp_path):
    settings = from_environment({"MERGECOST_DATA": str(tmp_path)})
    credentials = app_credentials(settings, ALL)
    (tmp_path / "key.pem").write_text(KEY)
    assert credentials == app_credentials(settings, ALL | {"MERGECOST_PRIVATE_KEY": str(tmp_path / "key.pem")})
    assert KEY not in repr(credentials)
    assert credentials.app_id == 7


def test_only_two_kinds_of_database_are_known():
    with pytest.raises(ValueError, match="must begin with sqlite:/// or postgresql://") as error:
        Database("mysql://user:password@host/x")
    assert "password" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("comment: yes please", "line 1: `comment: yes please`: expected bool, got str"),
        ("\n\nminimum_uds: 3", "line 3: `minimum_uds: 3`: there is no setting 'minimum_uds'; perhaps minimum_usd"),
        ("minimum_usd: -1", "line 1: `minimum_usd: -1`: expected decimal >= 0"),
        ("settle_seconds: 90000", "line 1: `settle_seconds: 90000`: expected int <= 3600"),
        ("budget_pull_usd: 0", "line 1: `budget_pull_usd: 0`: expected an amount over 0"),
        ("budget_week_usd: lots", "line 1: `budget_week_usd: lots`"),
        (
            "alert_url: https://hooks.example/x",
            "line 1: `alert_url: https://hooks.example/x`: alert_url is set by whoever",
        ),
        ("comment: [", "not YAML"),
        ("- comment", "must be `name: value` lines"),
        ("!!python/object/apply:os.system ['true']", "must be `name: value` lines"),
        ("minimum_usd: .nan", "line 1: `minimum_usd: .nan`: invalid decimal"),
        ("minimum_usd: .inf", "line 1: `minimum_usd: .inf`: invalid decimal"),
        ('budget_pull_usd: "NaN"', "expected an amount over 0"),
        ('budget_pull_usd: "1e999999"', "expected an amount over 0"),
        ("budget_pull_usd: 0.0000001", "expected an amount over 0"),
        ("settle_seconds: 1:30.5", "expected int, got str"),
        ("minimum_usd: 2026-11-16", "line 1: `minimum_usd: 2026-11-16`"),
        ("2026-11-16: 1", "there is no setting '2026-11-16'"),
        ("comment: null", "expected bool, got null"),
        ("<<: {comment: false}", "line 1: `<<: {comment: false}`: expected a single value"),
        ("comment: &a false\nweekly: *a", "line 1: `comment: &a false`: expected a single value (and 1 more)"),
        ("comment: !!bool no", "expected a single value"),
        ("? [comment]\n: no", "must be `name: value` lines"),
        ("comment: on\n---\ncomment: off", "more than one document"),
        ('time_zone: "\\UFFFFFFFF"', "not YAML"),
        ("#" * 10_001, "holds more than 10,000 characters"),
        ("comment: true\n" * 101, "holds more than 100 settings"),
        ("comment: maybe\nwekly: no\nminimum_usd: x", "(and 2 more)"),
    ],
)
def test_bad_repository_settings_quote_the_line(text, says):
    settings, problem = read_repository(text, {})
    assert says in str(problem)
    assert settings == RepositorySettings()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[defaults]\ncomment = maybe", "line 2: `comment = maybe`: not TOML"),
        ("[defaults]\nminimum = 1", "line 2: `minimum = 1`: there is no setting 'minimum'"),
        ('[repository."a/b"]\ncomment = 3', "line 2: `comment = 3`: expected bool, got int"),
        ("[default]\ncomment = true", "there is no setting 'default'"),
        ("[defaults]\nminimum_usd = nan", "line 2: `minimum_usd = nan`: expected decimal >= 0"),
        ("[defaults]\nbudget_week_usd = inf", "line 2: `budget_week_usd = inf`: expected an amount over 0"),
        ("[defaults]\nsettle_seconds = 2026-11-16", "line 2: `settle_seconds = 2026-11-16`: expected int"),
    ],
)
def test_bad_operator_settings_quote_the_line(text, says):
    problem = read_operator(text)
    assert isinstance(problem, Problem)
    assert says in str(problem)


def test_a_repository_overrides_its_operator_exactly():
    operator = read_operator('[defaults]\nminimum_usd = 0.10\n[repository."Acme/Widgets"]\nsettle_seconds = 5')
    assert isinstance(operator, OperatorSettings)
    base = operator_values(operator, "acme/widgets")
    own = read_repository("minimum_usd: 0.25\ncomment_on_public: true", base)
    assert own == (RepositorySettings(minimum_usd=Decimal("0.25"), settle_seconds=5, comment_on_public=True), None)
    assert read_repository("", base) == (RepositorySettings(minimum_usd=Decimal("0.10"), settle_seconds=5), None)
    assert operator_values(operator, "acme/other") == {"minimum_usd": Decimal("0.10")}


def test_a_line_that_is_wrong_changes_no_other():
    text = "minimum_usd: 5\ncomment: nope\nwekly: false\nsettle_seconds: [1, {a: &x b}, *x]\nsurvival_days: 7\nbudget_week_usd: 1_000.50"
    settings, problem = read_repository(text, {"comment": False})
    assert settings == RepositorySettings(
        minimum_usd=Decimal(5), comment=False, survival_days=7, budget_week_usd=Decimal("1000.50")
    )
    assert str(problem) == ".github/mergecost.yml, line 2: `comment: nope`: expected bool, got str (and 2 more)"


PIECES = st.sampled_from(
    ["comment", "minimum_usd", "<<", ":", ": ", "\n", "  ", "- ", "[", "]", "{", "}", "&a ", "*a", "!!float ", "? ", "|\n", ">", "'", '"', "#",
     "---\n", "...", "%YAML 1.1\n", ".nan", ".inf", "1:30.5", "2026-11-16", "1e9", "0x1f", "\\U00110000", "\x00", "\ud800", "\t", "é", ",", "@", "`"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=200))
@example("[" * 9000)
@example("- " * 4000)
@example("{a: " * 2000)
@example("comment: " + "[" * 5000 + "]" * 5000)
@example("%YAML " + "1" * 5000 + ".1\n")
def test_any_text_gives_settings(text):
    settings, problem = read_repository(text, {"survival_days": 3})
    assert settings.minimum_usd.is_finite()
    assert problem is None or len(str(problem)) < 1000


def test_a_bomb_costs_no_more_than_other_texts():
    bomb = "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 9))
    plain = "".join(f"a{i}: [{', '.join(['x'] * 20)}]\n" for i in range(9))
    assert instructions(lambda: read_repository(bomb, {})) < 4 * instructions(lambda: read_repository(plain, {}))


def test_the_shipped_example_is_right():
    readme = Path(__file__).parents[2] / "README.md"
    example = readme.read_text().split("```toml\n")[1].split("```")[0]
    assert isinstance(read_operator(example), OperatorSettings)


def test_the_shipped_schema_is_that_of_the_settings():
    schema_file = Path(__file__).parents[2] / "deploy" / "mergecost.schema.json"
    assert json.loads(schema_file.read_text()) == schema()
    assert "alert_url" not in schema()["properties"]
    assert schema()["properties"]["budget_pull_usd"]["type"] == "number"


def test_a_folder_that_others_could_enter_is_taken_from_them(tmp_path):
    tmp_path.chmod(0o755)
    make_private(tmp_path)
    assert S_IMODE(tmp_path.stat().st_mode) == 0o700
