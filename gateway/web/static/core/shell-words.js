/** What stands around every page. */

import { speaking } from "./words.js";

const en = {
  controlRoom: "Control room",
  station: "Station",
  pda: "Handheld",
  connected: "connected",
  connecting: "connecting …",
  noConnection: "no connection",
  noConnectionLong: "No connection since {time}. What is shown may be old.",
  language: "Language",
  signIn: "Sign in",
  signOut: "Sign out",
  name: "Name",
  password: "Password",
  newPassword: "New password",
  changePassword: "Choose a password of your own",
  changePasswordWhy: "The first password was given to you by somebody else. At least {least} characters.",
  token: "Token",
  tokenWhy: "The gateway asks for its token. It is in the file that was given to `gateway run --token`.",
  whoAreYou: "Who are you?",
  whoAreYouWhy: "Your name stands beside everything that you do.",
  goOn: "Go on",
  close: "Close",
  waitsFor: "What {name} has done here is not sent yet. It waits until the same person signs in here again.",
};

/** @typedef {keyof typeof en} ShellWord */

/** @type {Record<ShellWord, string>} */
const zh = {
  controlRoom: "中控室",
  station: "工作站",
  pda: "手持终端",
  connected: "已连接",
  connecting: "连接中……",
  noConnection: "连接中断",
  noConnectionLong: "自 {time} 起连接中断，显示内容可能已过时。",
  language: "语言",
  signIn: "登录",
  signOut: "退出",
  name: "姓名",
  password: "密码",
  newPassword: "新密码",
  changePassword: "请设置您自己的密码",
  changePasswordWhy: "初始密码由他人提供，请更换。至少 {least} 个字符。",
  token: "令牌",
  tokenWhy: "网关需要令牌，见 `gateway run --token` 所用的文件。",
  whoAreYou: "您是谁？",
  whoAreYouWhy: "您的每一步操作都会记录您的姓名。",
  goOn: "继续",
  close: "关闭",
  waitsFor: "{name} 在此完成的操作尚未发送，待其再次在此登录后发送。",
};

export const t = speaking({ en, zh });
