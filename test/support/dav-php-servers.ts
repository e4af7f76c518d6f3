import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DavServer, type DavAccounts, type DavCommand } from './dav-server.js';
import { createBareDatabase, type BareDatabase } from './postgres.js';

const SABRE_SQL = '/usr/share/doc/php-sabre-dav/examples/sql';

/** Debian's php-sabre-dav 1.8 with its own SQLite backend, under PHP's own server. Knows no sync-collection. */
export class SabreServer extends DavServer {
  static readonly needs = { file: '/usr/share/php/Sabre/autoload.php', packages: 'php-sabre-dav php-cli php-sqlite3' };

  static start(users: DavAccounts): Promise<SabreServer> {
    return new SabreServer('SabreDAV', users).begin();
  }

  override home(user: string): string {
    return `/calendars/${user}/`;
  }

  protected override prepare(): Promise<void> {
    writeFileSync(path.join(this.folder, 'server.php'), SABRE);
    const users = Object.entries(this.users).map(([name, password]) => [name, password]);
    writeFileSync(path.join(this.folder, 'users.json'), JSON.stringify(users));
    const { status, stderr } = spawnSync('php', ['-r', SABRE_TABLES], { cwd: this.folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`SabreDAV has no database: ${stderr}`);
    return Promise.resolve();
  }

  protected override commands(): readonly DavCommand[] {
    return [phpServer(this.port, 'server.php')];
  }
}

/** PHP's own server with four processes, so that requests meet. */
const phpServer = (port: number, script: string): DavCommand => ({
  words: ['php', '-S', `127.0.0.1:${String(port)}`, script],
  env: { PHP_CLI_SERVER_WORKERS: '4' },
});

const SABRE_TABLES = `
  $pdo = new PDO('sqlite:db.sqlite');
  foreach (['calendars', 'principals', 'users'] as $name) $pdo->exec(file_get_contents("${SABRE_SQL}/sqlite.$name.sql"));
  $pdo->exec('CREATE TABLE passwords (username text, password text)');
  foreach (json_decode(file_get_contents('users.json')) as [$user, $password]) {
    $pdo->prepare('INSERT INTO passwords VALUES (?, ?)')->execute([$user, $password]);
    $pdo->prepare('INSERT INTO principals (uri, email, displayname) VALUES (?, ?, ?)')
      ->execute(["principals/$user", "$user@example.test", $user]);
  }`;

const SABRE = `<?php
  error_reporting(E_ALL & ~E_DEPRECATED);
  ini_set('display_errors', '0');
  date_default_timezone_set('UTC');
  $pdo = new PDO('sqlite:' . __DIR__ . '/db.sqlite');
  $pdo->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
  $pdo->exec('PRAGMA busy_timeout = 20000');
  require_once 'Sabre/autoload.php';
  class Passwords extends \\Sabre\\DAV\\Auth\\Backend\\AbstractBasic {
    protected function validateUserPass($user, $password) {
      global $pdo;
      $row = $pdo->prepare('SELECT 1 FROM passwords WHERE username = ? AND password = ?');
      $row->execute([$user, $password]);
      return (bool) $row->fetchColumn();
    }
  }
  $principals = new \\Sabre\\DAVACL\\PrincipalBackend\\PDO($pdo);
  $calendars = new \\Sabre\\CalDAV\\Backend\\PDO($pdo);
  $server = new \\Sabre\\DAV\\Server([
    new \\Sabre\\CalDAV\\Principal\\Collection($principals),
    new \\Sabre\\CalDAV\\CalendarRootNode($principals, $calendars),
  ]);
  $server->setBaseUri('/');
  $server->addPlugin(new \\Sabre\\DAV\\Auth\\Plugin(new Passwords(), 'SabreDAV'));
  $server->addPlugin(new \\Sabre\\DAVACL\\Plugin());
  $server->addPlugin(new \\Sabre\\CalDAV\\Plugin());
  $server->exec();
`;

const DAVICAL = '/usr/share/davical';
const DAVICAL_TABLES = [
  '/usr/share/awl/dba/awl-tables.sql',
  '/usr/share/awl/dba/schema-management.sql',
  ...['davical.sql', 'rrule_functions.sql', 'caldav_functions.sql', 'views/dav_principal.sql', 'base-data.sql'].map(
    (file) => `${DAVICAL}/dba/${file}`,
  ),
];

/** Debian's DAViCal, under PHP's own server, with a database on the PostgreSQL of the run. */
export class DavicalServer extends DavServer {
  static readonly needs = { file: `${DAVICAL}/htdocs/caldav.php`, packages: 'davical php-cli php-pgsql php-xml' };
  #database: BareDatabase | undefined;

  static start(users: DavAccounts): Promise<DavicalServer> {
    return new DavicalServer('DAViCal', users).begin();
  }

  override home(user: string): string {
    return `/caldav.php/${user}/`;
  }

  protected override async prepare(): Promise<void> {
    const database = (this.#database = await createBareDatabase());
    for (const file of DAVICAL_TABLES) await database.run(readFileSync(file, 'utf8'));
    for (const [user, password] of Object.entries(this.users)) {
      await database.run(
        `INSERT INTO usr (active, email_ok, updated, username, password, fullname, email)
           VALUES (TRUE, current_date, current_date, '${user}', '**${password}', '${user}', '${user}@example.test');
         INSERT INTO principal (type_id, user_no, displayname, default_privileges)
           SELECT 1, user_no, fullname, privilege_to_bits(ARRAY['read-free-busy', 'schedule-send', 'schedule-deliver'])
             FROM usr WHERE username = '${user}'`,
      );
    }
    const { hostname, port, username, pathname } = new URL(database.url);
    const connect = `dbname=${pathname.slice(1)} host=${hostname} port=${port} user=${username}`;
    writeFileSync(path.join(this.folder, 'davical-conf.php'), davicalConfiguration(connect));
    writeFileSync(path.join(this.folder, 'router.php'), DAVICAL_ROUTER);
  }

  protected override commands(): readonly DavCommand[] {
    return [phpServer(this.port, 'router.php')];
  }

  protected override async dispose(): Promise<void> {
    await this.#database?.drop();
  }
}

const davicalConfiguration = (connect: string): string => `<?php
  $_SERVER['SERVER_NAME'] = '127.0.0.1';
  $c->pg_connect[] = '${connect}';
  $c->admin_email = 'nobody@example.test';
  $c->system_name = 'DAViCal';
  $c->default_locale = 'en';
`;

/** DAViCal looks for its configuration in /etc/davical by the name of the server: a name that leads here finds ours. */
const DAVICAL_ROUTER = `<?php
  ini_set('display_errors', '0');
  $path = explode('?', $_SERVER['REQUEST_URI'])[0];
  $_SERVER['SERVER_NAME'] = '../..' . __DIR__ . '/davical';
  $_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = '/caldav.php';
  $_SERVER['SCRIPT_FILENAME'] = '${DAVICAL}/htdocs/caldav.php';
  $_SERVER['PATH_INFO'] = rawurldecode(str_starts_with($path, '/caldav.php') ? substr($path, 11) : $path);
  chdir('${DAVICAL}/htdocs');
  require '${DAVICAL}/htdocs/caldav.php';
`;
