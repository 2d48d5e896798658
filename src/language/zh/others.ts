// What commander says, and the frame around messages.
import type { Catalog } from '../messages.js';

export const others: Catalog = {
  'Usage: {1}': '用法：{1}',
  'Options:': '选项：',
  'Commands:': '命令：',
  'Arguments:': '参数：',
  'Global Options:': '全局选项：',
  'Example:': '示例：',
  'output the version number': '显示版本号',
  'display help for command': '显示此命令的帮助',
  '(default: {1})': '（默认：{1}）',
  '(choices: {1})': '（可选：{1}）',
  '(choices: {1}, default: {2})': '（可选：{1}；默认：{2}）',
  "error: unknown option '{1}'": '错误：没有 {1} 这个选项',
  "error: unknown command '{1}'": '错误：没有 {1} 这个命令',
  "error: missing required argument '{1}'": '错误：缺少参数 {1}',
  "error: option '{1}' argument missing": '错误：选项 {1} 缺少参数值',
  "error: required option '{1}' not specified": '错误：必须给出选项 {1}',
  "error: option '{1}' argument '{2}' is invalid. {3}": '错误：选项 {1} 的值 {2} 无效。{3}',
  "error: command-argument value '{1}' is invalid for argument '{2}'. {3}": '错误：参数 {2} 的值 {1} 无效。{3}',
  "error: option '{1}' cannot be used with option '{2}'": '错误：选项 {1} 不能与选项 {2} 同用',
  'error: too many arguments. Expected {1} argument but got {2}.': '错误：参数太多：应有 {1} 个，给了 {2} 个。',
  'error: too many arguments. Expected {1} arguments but got {2}.': '错误：参数太多：应有 {1} 个，给了 {2} 个。',
  "error: too many arguments for '{1}'. Expected {2} argument but got {3}.":
    '错误：{1} 的参数太多：应有 {2} 个，给了 {3} 个。',
  "error: too many arguments for '{1}'. Expected {2} arguments but got {3}.":
    '错误：{1} 的参数太多：应有 {2} 个，给了 {3} 个。',
  '(Did you mean {1}?)': '（是不是 {1}？）',
  '(Did you mean one of {1}?)': '（是不是其中之一：{1}？）',
  'Allowed choices are {1}.': '可选的值：{1}。',
};
