"""What the readers make of real runs, request by request; the figures are those that were truly sent.

A row: the end of the request's id, session, sub-agent, tokens (plain input, cache read, cache written, output, of it reasoning),
files edited, commits made.
"""

from inline_snapshot import snapshot

from attribution.usage import Usage
from attribution.usage_merge import unique
from tests.tools import recordings


def requests(tool: str) -> list[Usage]:
    return unique(usage for log in recordings.read(tool) for usage in log.requests)


def rows(tool: str) -> list[tuple[object, ...]]:
    return [
        (
            usage.request_id[-12:], usage.session_id[:8], usage.agent_id[:8], usage.tokens.uncached_input,
            usage.tokens.cache_read, usage.tokens.cache_write, usage.tokens.output, usage.tokens.reasoning,
            " ".join(path.removeprefix("/home/dev/widgets/") for path in usage.work.edited_files),
            " ".join(commit.sha[:7] for commit in usage.work.commits_made),
        )
        for usage in requests(tool)
    ]  # fmt: skip


def facts(tool: str) -> set[tuple[str, str, str, str, str]]:
    return {
        (usage.model, usage.provider, usage.context.repository, usage.context.branch, usage.context.cwd)
        for usage in requests(tool)
    }


def test_copilot_cli():
    """Two resumed legs, a sub-agent, a patch; one session only in the database, one in both."""
    assert rows("copilot-cli") == snapshot(
        [
            ("95:20011:804", "5b31e305", "", 1007, 20011, 804, 95, 21, "", ""),
            ("00:20022:808", "5b31e305", "", 1014, 20022, 808, 100, 0, "app.py", ""),
            ("05:20033:812", "5b31e305", "", 1021, 20033, 812, 105, 0, "limiter.py", ""),
            ("10:20044:816", "5b31e305", "", 1028, 20044, 816, 110, 0, "", "bd74feb"),
            ("15:20055:820", "5b31e305", "", 1035, 20055, 820, 115, 0, "", ""),
            ("20:20066:824", "5b31e305", "", 1042, 20066, 824, 120, 26, "", "f0ff592"),
            ("25:20077:828", "5b31e305", "", 1049, 20077, 828, 125, 0, "", ""),
            ("30:20088:832", "fc33e6e2", "", 1056, 20088, 832, 130, 28, "", ""),
            ("35:20099:836", "fc33e6e2", "44fd4380", 1063, 20099, 836, 135, 29, "", ""),
            ("40:20110:840", "fc33e6e2", "44fd4380", 1070, 20110, 840, 140, 0, "", ""),
            ("45:20121:844", "fc33e6e2", "", 1077, 20121, 844, 145, 0, "", ""),
            (":200:20165:0", "f17b2af1", "", 1105, 20165, 0, 200, 35, "", ""),
            (":206:20176:0", "f17b2af1", "", 1112, 20176, 0, 206, 36, "app.py limiter.py", ""),
            (":212:20187:0", "f17b2af1", "", 1119, 20187, 0, 212, 37, "", "568c034"),
            (":218:20198:0", "f17b2af1", "", 1126, 20198, 0, 218, 38, "", ""),
            ("85:20209:876", "cd88bd71", "", 1133, 20209, 876, 185, 39, "", ""),
            ("90:20220:880", "cd88bd71", "", 1140, 20220, 880, 190, 0, "", ""),
            ("95:20231:884", "cd88bd71", "", 1147, 20231, 884, 195, 0, "", ""),
            ("00:20242:888", "cd88bd71", "", 1154, 20242, 888, 200, 0, "", ""),
        ]
    )
    assert facts("copilot-cli") == snapshot(
        {
            ("claude-sonnet-4.5", "", "acme/widgets", "feat/44-switch", "/home/dev/widgets"),
            ("claude-sonnet-4.5", "anthropic", "acme/widgets", "feat/42-rate-limit", "/home/dev/widgets"),
            ("gpt-5.5", "other", "acme/widgets", "feat/43-responses", "/home/dev/widgets"),
        }
    )


def test_gemini_cli():
    """A resume that repeats the chat, a sub-agent, messages written twice."""
    assert rows("gemini-cli") == snapshot(
        [
            ("49ead2cdc641", "20628d83", "", 1154, 20242, 0, 242, 42, "", ""),
            ("4a5c973dd03f", "20628d83", "", 1161, 20253, 0, 248, 43, "switch.md", ""),
            ("a23121758bfc", "20628d83", "", 1168, 20264, 0, 254, 44, "", "e3f0ba7"),
            ("6b8adbe3ff09", "20628d83", "", 1175, 20275, 0, 260, 45, "", ""),
            ("52d156687ecc", "1cbe0605", "", 1189, 20297, 0, 272, 47, "", ""),
            ("7e355f16fed0", "1cbe0605", "", 1196, 20308, 0, 278, 48, "app.py", ""),
            ("b570992119b2", "1cbe0605", "", 1203, 20319, 0, 284, 49, "limiter.py", ""),
            ("75409926732c", "1cbe0605", "", 1210, 20330, 0, 290, 50, "", "0d00bfb"),
            ("03a8ae37977c", "1cbe0605", "", 1217, 20341, 0, 296, 51, "", ""),
            ("b032467864f2", "1cbe0605", "", 1231, 20363, 0, 308, 53, "", "122e981"),
            ("67024e1dc8ab", "1cbe0605", "", 1238, 20374, 0, 314, 54, "", ""),
            ("2005034949c7", "d016d8eb", "", 1266, 20418, 0, 338, 58, "", ""),
            ("2e4a6418c89b", "d016d8eb", "071dda1f", 1280, 20440, 0, 350, 60, "", ""),
            ("2675f60a3c75", "d016d8eb", "071dda1f", 1287, 20451, 0, 356, 61, "", ""),
            ("6c255b707fd5", "d016d8eb", "071dda1f", 1294, 20462, 0, 362, 62, "", ""),
            ("b171f8cfa987", "d016d8eb", "", 1301, 20473, 0, 368, 63, "", ""),
        ]
    )
    assert facts("gemini-cli") == snapshot({("gemini-3.8-flash", "", "", "", "/home/dev/widgets")})


def test_qwen_code():
    """Every request is there twice; a sub-agent's in the session's events as well."""
    assert rows("qwen-code") == snapshot(
        [
            ("20011:116:21", "4b0ae875", "", 1007, 20011, 0, 116, 21, "", ""),
            ("20022:122:22", "4b0ae875", "", 1014, 20022, 0, 122, 22, "app.py", ""),
            ("20033:128:23", "4b0ae875", "", 1021, 20033, 0, 128, 23, "limiter.py", ""),
            ("20044:134:24", "4b0ae875", "", 1028, 20044, 0, 134, 24, "", "1b5f47f"),
            ("20055:140:25", "4b0ae875", "", 1035, 20055, 0, 140, 25, "", ""),
            ("20066:146:26", "4b0ae875", "", 1042, 20066, 0, 146, 26, "", "31d7ea5"),
            ("20077:152:27", "4b0ae875", "", 1049, 20077, 0, 152, 27, "", ""),
            ("20088:158:28", "3c21e602", "", 1056, 20088, 0, 158, 28, "", ""),
            ("20099:164:29", "3c21e602", "", 1063, 20099, 0, 164, 29, "", ""),
            ("20110:170:30", "3c21e602", "general-", 1070, 20110, 0, 170, 30, "", ""),
            ("20121:176:31", "3c21e602", "general-", 1077, 20121, 0, 176, 31, "", ""),
            ("20132:182:32", "3c21e602", "", 1084, 20132, 0, 182, 32, "", ""),
        ]
    )
    assert facts("qwen-code") == snapshot({("qwen3-coder-plus", "", "", "feat/42-rate-limit", "/home/dev/widgets")})


def test_pi():
    """A session that was continued, another, and a fork of the first with all its messages."""
    assert rows("pi") == snapshot(
        [
            ("0001dd509f99", "01a20979", "", 1007, 20011, 804, 95, 0, "", ""),
            ("0002efde2372", "01a20979", "", 1014, 20022, 808, 100, 0, "app.py", ""),
            ("00039da86ccc", "01a20979", "", 1021, 20033, 812, 105, 0, "limiter.py", ""),
            ("000435f295c4", "01a20979", "", 1028, 20044, 816, 110, 0, "", "2be6af0"),
            ("000569f144e6", "01a20979", "", 1035, 20055, 820, 115, 0, "", ""),
            ("000606162617", "01a20979", "", 1042, 20066, 824, 120, 0, "", "31ba989"),
            ("000701358724", "01a20979", "", 1049, 20077, 828, 125, 0, "", ""),
            ("000859c4a038", "01a20979", "", 1056, 20088, 832, 130, 0, "notes.md", ""),
            ("0009850c8d65", "01a20979", "", 1063, 20099, 836, 135, 0, "", "bf29173"),
            ("0010b27ba160", "01a20979", "", 1070, 20110, 840, 140, 0, "", ""),
            ("0015458cc293", "01a2097c", "", 1105, 20165, 860, 165, 0, "", ""),
        ]
    )
    assert facts("pi") == snapshot({("claude-test-1", "test", "", "", "/home/dev/widgets")})


def test_cline():
    """A session, and one with a sub-agent in a file of its own."""
    assert rows("cline") == snapshot(
        [
            ("msg_9fLQWU-I", "17954552", "", 1007, 20011, 0, 116, 0, "", ""),
            ("msg_Riaibh2X", "17954552", "", 1014, 20022, 0, 122, 0, "app.py", ""),
            ("msg_d3PbtyYy", "17954552", "", 1021, 20033, 0, 128, 0, "limiter.py", ""),
            ("msg_RdMZ6-2Y", "17954552", "", 1028, 20044, 0, 134, 0, "", "f196a9d"),
            ("msg_uIR8SFYv", "17954552", "", 1035, 20055, 0, 140, 0, "", ""),
            ("msg_0fbmNcAP", "17954552", "", 1042, 20066, 0, 146, 0, "", ""),
            ("msg_g-ikD1Cq", "17954552", "agent_17", 1049, 20077, 0, 152, 0, "", ""),
            ("msg_XmCXnw7k", "17954552", "agent_17", 1056, 20088, 0, 158, 0, "", ""),
            ("msg_nyNiE9c9", "17954552", "", 1063, 20099, 0, 164, 0, "", ""),
        ]
    )
    assert facts("cline") == snapshot({("test-model", "openai-compatible", "acme/widgets", "", "/home/dev/widgets")})


def test_opencode():
    """A session that was resumed, a fork of it under new ids, and a sub-agent."""
    assert rows("opencode") == snapshot(
        [
            ("022:0:100:22", "ses_df68", "", 1014, 20022, 0, 122, 22, "", ""),
            ("033:0:105:23", "ses_df68", "", 1021, 20033, 0, 128, 23, "app.py", ""),
            ("044:0:110:24", "ses_df68", "", 1028, 20044, 0, 134, 24, "limiter.py", ""),
            ("055:0:115:25", "ses_df68", "", 1035, 20055, 0, 140, 25, "", "b61e9b1"),
            ("066:0:120:26", "ses_df68", "", 1042, 20066, 0, 146, 26, "", ""),
            ("077:0:125:27", "ses_df68", "", 1049, 20077, 0, 152, 27, "", "8accd5e"),
            ("088:0:130:28", "ses_df68", "", 1056, 20088, 0, 158, 28, "", ""),
            ("099:0:135:29", "ses_df68", "", 1063, 20099, 0, 164, 29, "", ""),
            ("121:0:145:31", "ses_df68", "", 1077, 20121, 0, 176, 31, "", ""),
            ("132:0:150:32", "ses_df68", "ses_df68", 1084, 20132, 0, 182, 32, "", ""),
            ("143:0:155:33", "ses_df68", "ses_df68", 1091, 20143, 0, 188, 33, "", ""),
            ("154:0:160:34", "ses_df68", "", 1098, 20154, 0, 194, 34, "", ""),
        ]
    )
    assert facts("opencode") == snapshot({("test-model", "test", "", "", "/home/dev/widgets")})


def test_grok_build():
    """One log: a session, its fork, and an agent that the fork began; a request that failed."""
    assert rows("grok-build") == snapshot(
        [
            ("5000+00:00:1", "a0c9a415", "", 21018, 0, 0, 95, 21, "", ""),
            ("9000+00:00:2", "a0c9a415", "", 1014, 20022, 0, 100, 22, "", ""),
            ("3000+00:00:3", "a0c9a415", "", 1021, 20033, 0, 105, 23, "", ""),
            ("4000+00:00:1", "b0c9a415", "", 1028, 20044, 0, 110, 24, "", ""),
            ("5000+00:00:1", "b0c9a415", "c0c9a415", 1035, 20055, 0, 115, 25, "", ""),
            ("2000+00:00:2", "b0c9a415", "", 1042, 20066, 0, 120, 26, "", ""),
            ("9000+00:00:2", "b0c9a415", "c0c9a415", 1049, 20077, 0, 125, 27, "", ""),
        ]
    )
    assert facts("grok-build") == snapshot(
        {("grok-4.5", "", "", "", "/home/dev/widgets"), ("grok-code-fast-1", "", "", "", "/home/dev/widgets")}
    )


def test_kimi_code():
    """A session with an agent, a fork with all its lines and another model; a step that failed."""
    assert rows("kimi-code") == snapshot(
        [
            ("mpl-main0001", "one", "", 1007, 20011, 4, 95, 0, "limiter.py", ""),
            ("mpl-main0002", "one", "", 1014, 20022, 8, 100, 0, "", "3f1c5a7"),
            ("mpl-main0004", "one", "", 1028, 20044, 16, 110, 0, "", ""),
            ("-coder-10001", "one", "coder-1", 1007, 20011, 4, 95, 0, "", ""),
            ("mpl-main0005", "two", "", 1035, 20055, 20, 115, 0, "", ""),
        ]
    )
    assert facts("kimi-code") == snapshot(
        {
            ("claude-sonnet-4-5", "anthropic", "", "", "/home/dev/widgets"),
            ("kimi-k2.5", "kimi", "", "", "/home/dev/widgets"),
        }
    )


def test_continue_cli():
    """A session, a fork with its history, and one that wrote to cache."""
    assert rows("continue-cli") == snapshot(
        [
            ("c0a1:000001", "c0a1", "", 21007, 0, 0, 95, 0, "limiter.py", ""),
            ("c0a1:000002", "c0a1", "", 21014, 0, 0, 100, 0, "", "3f1c5a7"),
            ("c0a1:000003", "c0a1", "", 21021, 0, 0, 105, 0, "", ""),
            ("c0b2:000006", "c0b2", "", 21028, 0, 0, 110, 0, "", ""),
            ("c0c3:000001", "c0c3", "", 1035, 20055, 820, 115, 0, "", ""),
        ]
    )
    assert facts("continue-cli") == snapshot(
        {("claude-sonnet-4-5", "", "", "", "/home/dev/widgets"), ("gpt-5.5", "", "", "", "/home/dev/widgets")}
    )
