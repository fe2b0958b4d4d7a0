"""A person logs in from a machine: GitHub says who it is and which installations that person sees, and each of their accounts gives
an ingest token. Of the person's token nothing is kept."""

import httpx
import msgspec

from attribution.protocol import AccountToken, LoginAnswer, LoginCode
from bot.clock import Clock
from bot.github.client import GitHubApp, GitHubError
from bot.github.people import GitHubAway, InstallationSeen, People, Person, PersonError
from bot.settings import AppCredentials, Settings
from bot.store import accounts as account_store
from bot.store import tokens as token_store
from bot.store.database import Database

_MINUTE_MS = 60_000
# Of all machines together. GitHub limits what one address asks: a stranger must not use that up.
_MOST_BEGINNINGS, _MOST_QUESTIONS = 60, 600


class TooMany(Exception):
    """Ask again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__("many log in at this moment")
        self.seconds = seconds


class Turns:
    """So many a minute."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._minute, self._count = 0, 0

    def take(self, now_ms: int) -> None:
        """Raises `TooMany`."""
        minute = now_ms // _MINUTE_MS
        if minute != self._minute:
            self._minute, self._count = minute, 0
        if self._count >= self._most:
            raise TooMany(60 - now_ms // 1000 % 60)
        self._count += 1


class _App(msgspec.Struct):
    client_id: str


class Logins:
    """The logins of a server. Raises `PersonError`, `GitHubAway` or `TooMany`. `transport` None is the network."""

    def __init__(self, settings: Settings, clock: Clock, transport: httpx.AsyncBaseTransport | None) -> None:
        self._settings = settings
        self._clock = clock
        self._transport = transport
        self._beginnings, self._questions = Turns(_MOST_BEGINNINGS), Turns(_MOST_QUESTIONS)
        self._client_ids: dict[int, str] = {}

    async def begin(self, credentials: AppCredentials) -> LoginCode:
        self._beginnings.take(self._clock())
        client_id = await self._client_id(credentials)
        async with self._client() as client:
            code = await People(self._settings, client).begin(client_id)
        return LoginCode(code.user_code, code.verification_uri, code.device_code, code.interval, code.expires_in)

    async def ask(
        self, credentials: AppCredentials, device_code: str
    ) -> LoginAnswer | tuple[Person, list[InstallationSeen]]:
        """Who confirmed the login and what that person sees; while nobody has, when to ask again."""
        self._questions.take(self._clock())
        client_id = await self._client_id(credentials)
        async with self._client() as client:
            people = People(self._settings, client)
            token = await people.token(client_id, device_code)
            if isinstance(token, int):
                return LoginAnswer(interval_seconds=token)
            return await people.person(token), await people.installations(token)

    async def _client_id(self, credentials: AppCredentials) -> str:
        """As GitHub says it: no operator has to copy it."""
        if credentials.app_id not in self._client_ids:
            app = GitHubApp(self._settings, credentials, self._clock, lambda _: 0, self._transport)
            try:
                async with app:
                    self._client_ids[credentials.app_id] = (await app.get(None, "/app", _App)).client_id
            except GitHubError as error:
                raise GitHubAway(f"GitHub does not say which App this server is ({error})") from None
        return self._client_ids[credentials.app_id]

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self._transport)


def make_tokens(
    database: Database, clock: Clock, settings: Settings, slug: str, seen: tuple[Person, list[InstallationSeen]]
) -> LoginAnswer:
    """A token for each account that the person sees and this server knows by that very installation. Raises `PersonError` where
    there is none."""
    person, installations = seen
    with database.write() as connection:
        accounts = [account_store.account(connection, installation.account.id) for installation in installations]
        tokens = [
            AccountToken(
                account.login,
                token_store.new_for_user(connection, account.account_id, person.id, person.login, clock()),
            )
            for account, installation in zip(accounts, installations, strict=True)
            if account is not None and account.installation_id == installation.id and not account.suspended
        ]
    if not tokens:
        raise PersonError(
            f"the App is on no account that {person.login} can see: an owner installs it at "
            f"{settings.github_url}/apps/{slug}/installations/new, then run `mergecost login` again"
        )
    return LoginAnswer(login=person.login, tokens=tokens)
