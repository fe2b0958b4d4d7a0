"""Our server for the benchmark: the real app on SQLite, without its worker, as the peer's handler does nothing either."""

import sys
from pathlib import Path

import uvicorn

from bot.database import Database
from bot.settings import AppCredentials, Settings
from webhooks.server import create_app


def main(port: int, folder: Path, secret: str) -> None:
    url = f"sqlite:///{folder / 'mergecost.db'}"
    database = Database(url)
    database.migrate()
    settings = Settings(data_dir=folder, database_url=url, public_url="http://127.0.0.1")
    credentials = AppCredentials(app_id=1, slug="mergecost", private_key="", webhook_secret=secret)
    app = create_app(settings, database, credentials)
    uvicorn.run(
        app, host="127.0.0.1", port=port, log_level="warning", access_log=False, proxy_headers=False, lifespan="off"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
