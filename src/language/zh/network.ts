// What src/network/ says, in Chinese.
import type { Catalog } from '../messages.js';

export const network: Catalog = {
  'there is no home folder to keep downloads in': '没有存放下载内容的主目录',
  'HOME is not set, and the system knows none for this user': '没有设置 HOME，系统也不知道这个用户的主目录',
  'Name a folder for them: MOSSCTL_CACHE=/some/folder': '请指明存放目录：MOSSCTL_CACHE=/some/folder',
  'it is a folder': '它是目录',
  'it is no plain file': '它不是普通文件',
  'it has {1} bytes, not {2}': '它有 {1} 字节，而不是 {2}',
  'its {1} is {2}': '它的 {1} 是 {2}',
  'this file changed while it was being read': '读取期间这个文件发生了变化',
  'it is no longer there': '它已经不在了',
  'another program wrote to it or replaced it': '另一个程序写过或替换了它',
  'Run the same command again once nothing writes to it; nothing was kept of this try':
    '请在没有程序写它之后再运行同一命令；这次尝试什么都没有保留',
  'this file of the cache is damaged': '缓存中的这个文件已损坏',
  'It is fetched again': '会重新下载',
  'See that nothing else writes to the cache and that its disk is sound, and run the same command again':
    '请确认没有别的程序写缓存、磁盘正常，再运行同一命令',
  'what was fetched and checked does not stay so': '下载并核对过的内容没有保持不变',
  'the server does not continue where the last try ended': '服务器没有从上次中断处继续',
  'it ended after {1} of {2} bytes': '它在 {2} 字节中的第 {1} 字节处结束',
  'this file is not the one that was meant': '这不是要的那个文件',
  'its {1} is {2}, expected is {3}': '它的 {1} 是 {2}，应为 {3}',
  'If it was meant to change, look at it and put the new checksum into the data-spec; else do not use it':
    '如果它本该变化，请查看后把新的校验和写进 data-spec；否则不要使用它',
  'this file is larger than {1}': '这个文件超过 {1}',
  'it redirects to another place: {1}': '它重定向到别处：{1}',
  'it redirects, and nothing is sent on': '它要重定向，而不会再往别处发送',
  'it redirects to an address that is none': '它重定向到一个无效的地址',
  'it redirects from https to http': '它从 https 重定向到 http',
  'it redirects more than {1} times': '重定向超过 {1} 次',
  'an address with a password is not asked': '不会请求带密码的地址',
  'only http and https are asked': '只请求 http 和 https',
  'only https is asked, but for hosts listed under allow': '只请求 https，除非主机列在 allow 里',
  'its address is private, and not listed under allow': '它的地址是内网地址，且没有列在 allow 里',
  'its name is not known': '无法解析它的域名',
  'nothing listens there': '那里没有程序在监听',
  'it ended the connection': '它关闭了连接',
  'the connection failed': '连接失败',
  'what has arrived is not sent again': '已送达的不会再发',
  'what has come is kept, and the rest is asked for': '已收到的会保留，只请求其余部分',
  'Check the network': '请检查网络',
  '{1} and run the same command again: {2}': '{1}，再运行同一命令：{2}',
  '{1}, in {2} tries': '{1}，尝试了 {2} 次',
  'fetch failed': '下载失败',
  'an address that is none': '一个无效的地址',
  'it redirects to {1}, which is not followed': '它重定向到 {1}，不会跟随',
  'it redirects to {1}: what was moved is named as it is called now': '它重定向到 {1}：请用现在的名字',
  'It asks for a login, which is not given here: fetch the file yourself and name it with file:PATH':
    '它要求登录，这里不提供：请自行下载，并用 file:PATH 指明',
  'the server answered {1}{2}': '服务器答复 {1}{2}',
  'this cannot be {1}': '无法{1}',
  sent: '发送',
  fetched: '下载',
  'it is not in the cache, and ': '缓存里没有，而',
  '{1}{2} says that the network is not to be used': '{1}{2} 规定不使用网络',
  ', or use what is here already': '，或使用这里已有的内容',
  'Unset {1}{2}': '请取消设置 {1}{2}',
  'what has come is kept for the next time': '已收到的会留到下次',
  'sending to': '发送到',
  'stopped while {1} {2}; {3}': '在{1} {2} 时停止；{3}',
  fetching: '下载',
  'its answer is longer than {1} MiB': '它的答复超过 {1} MiB',
  'its answer is no JSON': '它的答复不是 JSON',
  'Unset it, or write https://HOST, without a user, a password and a query':
    '请取消设置，或写成 https://HOST，不带用户名、密码和查询串',
  'HF_ENDPOINT is not an https: address': 'HF_ENDPOINT 不是 https: 地址',
  'this file of the cache says which commit {1} of {2} stands for, and is damaged':
    '缓存中记录 {2} 的 {1} 指哪个提交的文件已损坏',
  'Type `mossctl data fetch SPEC`: it asks the hub again, where the branch may have moved on since':
    '请运行 `mossctl data fetch SPEC`：它会再问 hub，那个分支此后可能已前进',
  'it does not answer': '它没有应答',
  'the hub cannot be asked what {1} of {2} is now ({3}): it is taken as it was, at commit {4}. Write {5} to mean that one':
    '无法向 hub 询问 {2} 的 {1} 现在是什么（{3}）：沿用之前的提交 {4}。要指明它，请写 {5}',
  'it names no commit': '它没有指明提交',
  'its list has more than {1} pages': '它的列表超过 {1} 页',
  'its list of files is not of the known form': '它的文件列表格式未知',
  'it lists a file that cannot be: {1}': '它列出了一个不可能的文件：{1}',
  'the next page of its list is on another host': '它的列表的下一页在另一台主机上',
  'this does not answer as the Hugging Face hub does': '它不像 Hugging Face hub 那样应答',
  'Check HF_ENDPOINT, and the name and revision after hf:': '请检查 HF_ENDPOINT，以及 hf: 后的名字和版本',
  ', and that it has a revision {1}': '，以及它有没有版本 {1}',
  'Look whether there is a {1} at {2}{3}; names are spelled with capitals as there':
    '请看 {2} 上有没有这个 {1}{3}；名字区分大小写',
  'Wait some minutes': '请等几分钟',
  'Wait some minutes, or set HF_TOKEN ({1}): it allows more': '请等几分钟，或设置 HF_TOKEN（{1}）：额度更多',
  'Check the spelling of {1}, that HF_TOKEN is valid and may read it, and that its owner has accepted the terms at {2}':
    '请检查 {1} 的拼写、HF_TOKEN 是否有效且可以读取它，以及其持有者是否已在 {2} 接受条款',
  'Check the spelling of {1}; if it asks for a login, accept its terms at {2} and set HF_TOKEN ({3})':
    '请检查 {1} 的拼写；如果它要求登录，请在 {2} 接受条款并设置 HF_TOKEN（{3}）',
  'this repository has no model that mossctl can open': '这个仓库里没有 mossctl 能打开的模型',
  'Name another one': '请换一个',
  'Omit :{1}, or name another folder': '请去掉 :{1}，或指明另一个目录',
  'there are no files in it': '其中没有文件',
  'its weights are a Python pickle ({1}), which is a program and not only numbers: it is not fetched':
    '它的权重是 Python pickle（{1}），那是程序而不只是数字：不会下载',
  'Look on the hub for a version with safetensors, or convert it with Python: from_pretrained(…) and save_pretrained(…)':
    '请在 hub 上找 safetensors 版本，或用 Python 转换：from_pretrained(…) 再 save_pretrained(…)',
  'its models lie in folders': '它的模型在子目录里',
  'it has {1}, made for another program': '它有 {1}，是给别的程序用的',
  'Name the repository that it was made from: with config.json and safetensors':
    '请指明它所源自的仓库：含 config.json 和 safetensors',
  'it needs {1} and {2} or {3}; it has {4}{5}': '它需要 {1}，以及 {2} 或 {3}；它有 {4}{5}',
  'Check the name; a dataset is given with --data': '请检查名字；数据集用 --data 给出',
  'hf:ORG/NAME or hf:ORG/NAME@REVISION, such as hf:Qwen/Qwen3-0.6B (ms:ORG/NAME for ModelScope)':
    'hf:ORG/NAME 或 hf:ORG/NAME@REVISION，例如 hf:Qwen/Qwen3-0.6B（ModelScope 用 ms:ORG/NAME）',
  'this is not the name of a model': '这不是模型的名字',
  'it is written {1}': '应写成 {1}',
  'Look the name up on https://huggingface.co/models': '请在 https://huggingface.co/models 查找名字',
  'It is an adapter: plan with its base, --from hf:BASE --lora': '它是适配器：请用其基座来规划，--from hf:BASE --lora',
  'Name another model': '请指明另一个模型',
  'this model has no {1}': '这个模型没有 {1}',
  '{1}{2}: {3}, {4} to fetch from {5} into {6}': '{1}{2}：{3}，要从 {5} 下载 {4} 到 {6}',
  'the files of {1}': '{1} 的文件',
  'Free some space, or name another folder for the cache: MOSSCTL_CACHE=/some/folder':
    '请腾出一些空间，或另指定缓存目录：MOSSCTL_CACHE=/some/folder',
  'ModelScope cannot be asked what {1} of {2} is now ({3}): it is taken as it was. Write ms:{4}@{5} to mean that one':
    '无法向 ModelScope 询问 {2} 的 {1} 现在是什么（{3}）：沿用之前的。要指明它，请写 ms:{4}@{5}',
  'this does not answer as ModelScope does': '它不像 ModelScope 那样应答',
  'it lists a file without a checksum or with a name that cannot be, or too many':
    '它列出的文件没有校验和、名字不可能，或数量太多',
  'it is no list of files': '它不是文件列表',
  'Check MODELSCOPE_ENDPOINT, and the name and revision after ms:':
    '请检查 MODELSCOPE_ENDPOINT，以及 ms: 后的名字和版本',
  'MODELSCOPE_ENDPOINT is not an https: address': 'MODELSCOPE_ENDPOINT 不是 https: 地址',
  'Set it again, as https://modelscope.cn/my/myaccesstoken shows it':
    '请按 https://modelscope.cn/my/myaccesstoken 所示重新设置',
  'MODELSCOPE_API_TOKEN holds a character that no token has': 'MODELSCOPE_API_TOKEN 含有令牌不会有的字符',
  'Look whether there is a model at {1}/models/{2}; names are spelled with capitals as there':
    '请看 {1}/models/{2} 上有没有这个模型；名字区分大小写',
  'Check the spelling of {1}; if it asks for a login, set MODELSCOPE_API_TOKEN':
    '请检查 {1} 的拼写；如果它要求登录，请设置 MODELSCOPE_API_TOKEN',
  '{1} is not what it was': '{1} 已不是原来的',
  'that version is not in the cache, and ModelScope has {1} by now': '那个版本不在缓存里，而 ModelScope 现在有的是 {1}',
  'Write ms:{1} for what it is now': '要用现在的版本，请写 ms:{1}',
  '{1} is {2} already and stays so; {3}/settings changes it': '{1} 已是{2}，保持不变；可在 {3}/settings 更改',
  'Push {1} with mossctl': '请用 mossctl 推送 {1}',
  'a token of the hub is needed to push': '推送需要 hub 的令牌',
  'neither HF_TOKEN nor a login of `hf auth login` is there': '没有 HF_TOKEN，也没有 `hf auth login` 的登录',
  'Make one with the right to write at https://huggingface.co/settings/tokens and set HF_TOKEN; --dry-run shows what would be sent':
    '请在 https://huggingface.co/settings/tokens 创建一个有写权限的令牌并设置 HF_TOKEN；--dry-run 可查看将发送什么',
  'there is something at {1} already that mossctl did not push': '{1} 已有不是 mossctl 推送的内容',
  'Push to another name, or replace its model with --force': '请推送到另一个名字，或用 --force 覆盖它的模型',
  '{1} was edited on the hub and stays as it is; --force replaces it': '{1} 在 hub 上被改过，保持原样；--force 可覆盖',
  'this file': '这个文件',
  '{1} holds a character that no token has': '{1} 含有令牌不会有的字符',
  'Set {1} again, as https://huggingface.co/settings/tokens shows it: hf_…':
    '请按 https://huggingface.co/settings/tokens 所示重新设置{1}：hf_…',
  'the hub does not take the front matter of README.md': 'hub 不接受 README.md 的 front matter',
  'Correct it; a licence is one of https://huggingface.co/docs/hub/repositories-licenses':
    '请改正；许可证应为 https://huggingface.co/docs/hub/repositories-licenses 中的一个',
  'the .gitignore of {1} keeps {2} out of it': '{1} 的 .gitignore 把 {2} 排除在外',
  'Change that file on the hub, or push to another repository': '请在 hub 上修改那个文件，或推送到另一个仓库',
  'the hub does not take {1}': 'hub 不接受 {1}',
  'send {1}': '发送 {1}',
  'Set HF_TOKEN to a token with the right to write ({1})': '请把 HF_TOKEN 设为有写权限的令牌（{1}）',
  'The token may not write to {1}: check ORG, and make one with the right to write at {2}':
    '这个令牌不能写 {1}：请检查 ORG，并在 {2} 创建一个有写权限的',
  'Check the spelling of {1}: ORG is your own name on the hub, or that of an organisation of yours':
    '请检查 {1} 的拼写：ORG 是您在 hub 上的名字，或您所在组织的名字',
  'Somebody changed {1} meanwhile: run the same command again': '期间有人改动了 {1}：请再运行同一命令',
  'A file is too large for the hub ({1} at most): export with --max-shard-size':
    '有文件对 hub 来说太大（最多 {1}）：导出时请用 --max-shard-size',
  'Check HF_ENDPOINT': '请检查 HF_ENDPOINT',
};
