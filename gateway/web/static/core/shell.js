/** What all pages have around them: where one is, whether the gateway is there, who acts, and the way in. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { ask, NotSignedIn, Refused, Unanswered } from "./http.js";
import { actAs, KNOWN, operator, showToken, shownToken, signedOut, whenSignedOut } from "./session.js";
import { t } from "./shell-words.js";
import { createStore, mount } from "./store.js";
import { currentLanguage, LANGUAGES, speak } from "./words.js";

/**
 * @typedef {object} Person
 * @property {string} personId
 * @property {string} name
 * @property {readonly string[]} roles
 * @property {readonly string[]} zones
 * @property {boolean} mustChangePassword
 *
 * @typedef {object} Session how GET /v1/session answers
 * @property {"open" | "token" | "person"} access
 * @property {"none" | "token" | "person"} signIn
 * @property {Person | null} person
 *
 * @typedef {object} Notice something that a person has to know, for a few seconds or until it is closed
 * @property {string} id
 * @property {"good" | "bad"} kind
 * @property {string} text
 *
 * @typedef {object} ShellState
 * @property {"connecting" | "up" | "down"} link
 * @property {Date | null} lostAt
 * @property {Session | null} session null: not known yet
 * @property {boolean} isIn whether the page may show what it is for
 * @property {string} signInError
 * @property {readonly Notice[]} notices
 */

const shell = createStore(
  /** @type {ShellState} */ ({ link: "connecting", lostAt: null, session: null, isIn: false, signInError: "", notices: [] }),
);

const NOTICE_MS = 6000;
const AGAIN_MS = 2000;
const PASSWORD_LEAST = 12;
const PLACES = /** @type {const} */ ([
  ["controlRoom", "/ui"],
  ["station", "/ui/station"],
  ["pda", "/ui/pda"],
]);

/**
 * Run a page: find out who may use it, start it once somebody is in, and draw it whenever something changes.
 *
 * @param {object} page
 * @param {import("./shell-words.js").ShellWord} page.title
 * @param {Pick<import("./store.js").Store<any>, "watch">} page.store what the page knows
 * @param {() => unknown} page.view what is below the bar
 * @param {() => void} page.start
 * @param {boolean} page.needsName whether people act here, so that a name is asked for
 */
export function runPage({ title, store, view, start, needsName }) {
  const root = /** @type {HTMLElement} */ (document.getElementById("page"));
  document.documentElement.lang = currentLanguage();
  document.title = t(title);
  /** @type {string | null} who is known to be somebody, since the page was started */
  let startedAs = null;

  /** @param {Session} session */
  const letIn = (session) => {
    if (session.person) actAs(session.person.personId);
    const isAsked = session.signIn !== "none";
    const isIn = !isAsked && !session.person?.mustChangePassword && !(needsName && !operator());
    shell.set({ session, isIn, signInError: "" });
    if (!isIn) return;
    const who = session.person?.personId ?? "";
    if (startedAs === null) start();
    else if (startedAs !== who) location.reload(); // what the one before had begun is not the next one's
    startedAs = who;
  };
  const enter = async () => {
    try {
      const session = /** @type {Session} */ (await ask("GET", "/v1/session"));
      sessionStorage.setItem(KNOWN, JSON.stringify(session));
      letIn(session);
    } catch (error) {
      if (error instanceof NotSignedIn) return; // `whenSignedOut` asks anew, without the token
      if (!(error instanceof Unanswered)) throw error;
      link(false);
      // Who was in when this tab was loaded last may go on: the gateway judges whatever is sent.
      const known = sessionStorage.getItem(KNOWN);
      if (known && !shell.get().session) letIn(JSON.parse(known));
      setTimeout(() => void enter(), AGAIN_MS);
    }
  };
  whenSignedOut(() => {
    shell.set({ isIn: false });
    void enter();
  });

  mount(root, [shell, store], () => {
    const state = shell.get();
    return html`
      ${bar(state, title)}
      ${state.link === "down" ? html`<p class="lost" role="alert">${t("noConnectionLong", { time: clock(state.lostAt) })}</p>` : nothing}
      <main>${state.isIn ? view() : state.session ? wayIn(state, enter) : nothing}</main>
      <div class="notices" aria-live="assertive">${state.notices.map(noticeView)}</div>`;
  });
  void enter();
}

/** @param {Notice} notice */
function noticeView(notice) {
  return html`
    <p class="notice ${notice.kind}" role="status">
      ${notice.text}<button class="plain" aria-label=${t("close")} @click=${() => closeNotice(notice.id)}>✕</button>
    </p>`;
}

/** @param {ShellState} state @param {import("./shell-words.js").ShellWord} title */
function bar(state, title) {
  const lamp = { connecting: t("connecting"), up: t("connected"), down: t("noConnection") }[state.link];
  return html`
    <header class="bar">
      <nav>
        ${PLACES.map(([word, href]) => html`<a href=${href} aria-current=${word === title ? "page" : nothing}>${t(word)}</a>`)}
      </nav>
      <span class="lamp ${state.link}" role="status">${lamp}</span>
      <span class="who">${state.session?.person?.name ?? operator()}</span>
      <select aria-label=${t("language")} @change=${(/** @type {Event} */ event) => speak(valueOf(event))}>
        ${LANGUAGES.map((each) => html`<option value=${each} ?selected=${each === currentLanguage()}>${each}</option>`)}
      </select>
      ${state.isIn && (shownToken() || operator()) ? html`<button class="plain" @click=${leave}>${t("signOut")}</button>` : nothing}
    </header>`;
}

/** @param {ShellState} state @param {() => Promise<void>} enter */
function wayIn({ session, signInError }, enter) {
  const error = signInError ? html`<p class="bad" role="alert">${signInError}</p>` : nothing;
  /** @param {(form: FormData) => Promise<void> | void} act */
  const submit = (act) => async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    try {
      await act(new FormData(/** @type {HTMLFormElement} */ (event.target)));
      await enter();
    } catch (failure) {
      if (failure instanceof Refused || failure instanceof Unanswered) shell.set({ signInError: failure.message });
      else throw failure;
    }
  };
  if (session?.person?.mustChangePassword) {
    return form(t("changePassword"), t("changePasswordWhy", { least: PASSWORD_LEAST }), error, submit(changePassword), html`
      ${secret("old", t("password"), "current-password")} ${secret("new", t("newPassword"), "new-password")}`);
  }
  if (session?.signIn === "person") {
    return form(t("signIn"), "", error, submit(signIn), html`${named()} ${secret("password", t("password"), "current-password")}`);
  }
  if (session?.signIn === "token") {
    return form(t("signIn"), t("tokenWhy"), error, submit((given) => showToken(field(given, "token"))), secret("token", t("token"), "off"));
  }
  return form(t("whoAreYou"), t("whoAreYouWhy"), error, submit((given) => actAs(field(given, "name"))), named());
}

/**
 * @param {string} title
 * @param {string} why
 * @param {unknown} error
 * @param {(event: SubmitEvent) => void} submit
 * @param {unknown} fields
 */
function form(title, why, error, submit, fields) {
  return html`
    <form class="card way-in" @submit=${submit}>
      <h1>${title}</h1>
      ${why ? html`<p>${why}</p>` : nothing} ${fields} ${error}
      <button class="main">${t("goOn")}</button>
    </form>`;
}

function named() {
  return html`<label>${t("name")}<input name="name" required maxlength="64" autocomplete="username" autofocus /></label>`;
}

/** @param {string} name @param {string} label @param {string} kept */
function secret(name, label, kept) {
  return html`<label>${label}<input name=${name} type="password" required autocomplete=${kept} /></label>`;
}

/** @param {FormData} given */
async function signIn(given) {
  const answer = await ask("POST", "/v1/session", { personId: field(given, "name"), password: secretOf(given, "password") });
  showToken(answer.token);
  actAs(answer.person.personId);
}

/** @param {FormData} given */
async function changePassword(given) {
  await ask("POST", "/v1/session/password", { old: secretOf(given, "old"), new: secretOf(given, "new") });
}

async function leave() {
  if (shownToken()) await ask("DELETE", "/v1/session").catch(() => undefined);
  actAs("");
  signedOut();
  location.reload();
}

/** @param {FormData} given @param {string} name */
function field(given, name) {
  return String(given.get(name) ?? "").trim();
}

/** A password as it was typed: blanks are signs of it too. @param {FormData} given @param {string} name */
function secretOf(given, name) {
  return String(given.get(name) ?? "");
}

/** @param {Event} event @returns {string} */
export function valueOf(event) {
  return /** @type {HTMLInputElement} */ (event.target).value;
}

/**
 * Tell the person something.
 *
 * @param {Notice["kind"]} kind a bad one stays until it is closed
 * @param {string} text
 */
export function tell(kind, text) {
  const notice = { id: `${Date.now()}-${text}`, kind, text };
  shell.set({ notices: [...shell.get().notices.slice(-3), notice] });
  if (kind === "good") setTimeout(() => closeNotice(notice.id), NOTICE_MS);
}

/** @param {string} id */
function closeNotice(id) {
  shell.set({ notices: shell.get().notices.filter((each) => each.id !== id) });
}

/** Keep the lamp: whether the gateway was there when it was heard or asked last. @param {boolean} isUp */
export function link(isUp) {
  shell.set({ link: isUp ? "up" : "down", lostAt: isUp ? null : (shell.get().lostAt ?? new Date()) });
}

/** Whether somebody may act now. */
export function isLetIn() {
  return shell.get().isIn;
}

/** @returns {Person | null} who is signed in */
export function person() {
  return shell.get().session?.person ?? null;
}

/** @param {Date | null} time @returns {string} */
export function clock(time) {
  return time?.toLocaleTimeString(currentLanguage(), { hour: "2-digit", minute: "2-digit", second: "2-digit" }) ?? "";
}
