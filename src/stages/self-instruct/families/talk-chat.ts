// Small talk. Answers are short and fit every wording of their topic and every word that a slot can take: what is
// stated and what is asked are topics of their own.
import type { Topics } from './family.js';

const dishes = {
  zh: ['饺子', '面条', '豆腐', '炒饭', '包子', '馄饨', '米粉', '烧饼'],
  en: ['soup', 'pasta', 'cheese', 'bread', 'salad', 'rice', 'fish', 'porridge'],
};
const hobbies = {
  zh: ['画画', '跑步', '下棋', '钓鱼', '唱歌', '跳舞', '种花', '游泳', '爬山', '弹琴'],
  en: ['painting', 'running', 'fishing', 'singing', 'gardening', 'swimming', 'hiking', 'dancing', 'reading', 'cooking'],
};
const skills = {
  zh: ['画画', '下棋', '唱歌', '跳舞', '游泳', '弹琴', '做饭', '书法'],
  en: ['painting', 'chess', 'singing', 'dancing', 'swimming', 'cooking', 'drawing', 'gardening'],
};

export const chatTopics: Topics = {
  zh: [
    {
      asks: ['你好！', '嗨，在吗！', '哈喽，又见面了。', '好久不见！', '我回来啦。'],
      answers: ['你好！很高兴见到你。'],
      any: ['你好'],
    },
    {
      asks: ['早安。', '新的一天开始了！', '我刚起床。', '太阳出来了，早呀。', '闹钟响了，该起来了。'],
      answers: ['早上好！祝你今天顺利。'],
      any: ['早上好'],
    },
    {
      asks: ['晚安。', '我要睡觉了。', '困了，明天再聊。', '夜深了，我去休息。', '我关灯躺下啦。'],
      answers: ['晚安，做个好梦。'],
      any: ['晚安'],
    },
    {
      asks: ['再见！', '我先走了。', '下次再聊吧。', '我得去上课了，拜拜。', '今天就聊到这儿。'],
      answers: ['再见，下次聊！'],
      any: ['再见'],
    },
    {
      asks: ['谢谢！', '太感谢你了。', '你帮了我大忙。', '多亏有你。', '辛苦你啦。', '你的话很有用。'],
      answers: ['不客气。'],
      any: ['不客气'],
    },
    {
      asks: ['你今天怎么样？', '最近还好吗？', '你心情如何？', '过得开心吗？', '这几天顺不顺利？'],
      answers: ['我很好，你呢？'],
      any: ['很好'],
    },
    {
      asks: ['我喜欢吃{}。', '晚饭想做{}。', '{}真好吃！', '中午吃了{}，很满足。', '今晚我家有{}。', '我点了一份{}。'],
      slots: dishes.zh,
      answers: ['{}很香，慢慢享用。'],
      any: ['{}'],
    },
    {
      asks: ['{}好吃吗？', '午饭吃{}怎么样？', '你推荐{}吗？', '{}值得尝尝吗？', '带朋友去吃{}合适吗？'],
      slots: dishes.zh,
      answers: ['不错，很多人喜欢{}。'],
      any: ['{}'],
    },
    {
      asks: [
        '我的爱好是{}。',
        '周末我打算去{}。',
        '最近我迷上了{}。',
        '一到假期我就{}。',
        '我从小喜欢{}。',
        '我常和朋友{}。',
      ],
      slots: hobbies.zh,
      answers: ['{}很有意思，玩得开心！'],
      any: ['{}'],
    },
    {
      asks: ['想学{}，难不难？', '{}难学吗？', '零基础能学{}吗？', '{}该怎么入门？', '自学{}行不行？'],
      slots: skills.zh,
      answers: ['{}可以慢慢学。'],
      any: ['{}'],
    },
    {
      asks: [
        '我今天很难过。',
        '心里有点烦。',
        '考试没考好，想哭。',
        '和朋友吵架了。',
        '丢了钱包，真倒霉。',
        '面试又失败了。',
        '没有人理解我。',
      ],
      answers: ['别难过，会好起来的。'],
      any: ['别难过'],
    },
    {
      asks: [
        '我好开心！',
        '我考了满分！',
        '终于放假了！',
        '今天是我的生日。',
        '我找到工作了。',
        '我们球队赢了比赛。',
        '我升职了！',
      ],
      answers: ['太好了，恭喜你！'],
      any: ['恭喜'],
    },
    {
      asks: ['我好累啊。', '加班到现在。', '走了一天路，腿都酸了。', '作业写到半夜。', '搬家搬得没力气了。'],
      answers: ['辛苦了，早点休息。'],
      any: ['休息'],
    },
    {
      asks: ['好无聊，干点什么呢？', '没事做怎么办？', '给我找点乐子。', '假期怎么打发时间？', '坐火车时做什么好？'],
      answers: ['可以看本书。'],
      any: ['看本书', '看书'],
    },
    {
      asks: ['外面下雨了。', '今天好冷。', '天气真热呀。', '刮大风了。', '下雪了！', '雾好大，看不清路。'],
      answers: ['出门照顾好自己。'],
      any: ['照顾好自己'],
    },
    {
      asks: ['怎样学好英语？', '如何养成早起的习惯？', '怎么让自己更专心？', '怎样坚持锻炼？', '字写不好，怎么练？'],
      answers: ['每天坚持一点。'],
      any: ['坚持'],
    },
  ],
  en: [
    {
      asks: ['Hello!', 'Hey there!', 'Good to see you again!', 'Hi, it has been a while.', 'I am back.'],
      answers: ['Hello! Nice to see you.'],
      any: ['hello'],
    },
    {
      asks: [
        'Good morning.',
        'A new day begins!',
        'I just got up.',
        'The sun is up and so am I.',
        'My alarm rang a minute ago.',
      ],
      answers: ['Good morning! Have a nice day.'],
      any: ['good morning'],
    },
    {
      asks: [
        'Good night.',
        'I am going to bed.',
        'So sleepy, talk tomorrow.',
        'It is late, time to rest.',
        'I turn off the light now.',
      ],
      answers: ['Good night, sleep well.'],
      any: ['good night'],
    },
    {
      asks: [
        'Goodbye!',
        'I have to leave now.',
        'Let us talk next time.',
        'See you, my class is starting.',
        'That is all for today.',
      ],
      answers: ['Goodbye, see you soon!'],
      any: ['goodbye'],
    },
    {
      asks: [
        'Thank you!',
        'Many thanks for that.',
        'You saved my day.',
        'That helped me so much.',
        'I appreciate it.',
        'What a useful reply.',
      ],
      answers: ['You are welcome.'],
      any: ['welcome'],
    },
    {
      asks: [
        'How are you today?',
        'Is everything fine with you?',
        'How do you feel?',
        'Are you having a good day?',
        'How is life?',
      ],
      answers: ['I am fine, and you?'],
      any: ['fine'],
    },
    {
      asks: [
        'I like {}.',
        'We will have {} for dinner.',
        'I had {} for lunch.',
        'My father is making {}.',
        'There is some {} on my plate.',
        'Tonight I ordered {}.',
      ],
      slots: dishes.en,
      answers: ['Enjoy your {}!'],
      any: ['{}'],
    },
    {
      asks: [
        'Is {} tasty?',
        'Should I try {}?',
        'Do you recommend {}?',
        'Would {} be a good lunch?',
        'Can I serve {} to my guests?',
      ],
      slots: dishes.en,
      answers: ['Yes, many people like {}.'],
      any: ['{}'],
    },
    {
      asks: [
        'My hobby is {}.',
        'This weekend I will try {}.',
        'Lately I am crazy about {}.',
        'I spend every holiday {}.',
        'My sister and I enjoy {}.',
        'I have taken up {}.',
      ],
      slots: hobbies.en,
      answers: ['Have fun {}!'],
      any: ['{}'],
    },
    {
      asks: [
        'Is {} hard to learn?',
        'Can a beginner learn {}?',
        'How do I get started with {}?',
        'Could I teach myself {}?',
        'Would {} suit a beginner?',
      ],
      slots: skills.en,
      answers: ['You can learn {} step by step.'],
      any: ['{}'],
    },
    {
      asks: [
        'I feel sad today.',
        'Something is bothering me.',
        'I failed the exam and want to cry.',
        'My friend and I had a fight.',
        'I lost my wallet, what a day.',
        'Another job interview went badly.',
        'Nobody understands me.',
      ],
      answers: ['I hope it gets better soon.'],
      any: ['better'],
    },
    {
      asks: [
        'I am so happy!',
        'I got full marks!',
        'Holidays at last!',
        'Today is my birthday.',
        'I found a new job.',
        'Our team won the match.',
        'My boss promoted me!',
      ],
      answers: ['Great news, congratulations!'],
      any: ['congratulations'],
    },
    {
      asks: [
        'I am so tired.',
        'Still at work at this hour.',
        'I walked all day and my legs hurt.',
        'Homework kept me up until midnight.',
        'Moving house took all my strength.',
      ],
      answers: ['You did enough. Get some rest.'],
      any: ['rest'],
    },
    {
      asks: [
        'I am bored. Any idea?',
        'What can I do with a free evening?',
        'Find me something fun.',
        'How do I pass the time on a train?',
        'Nothing to do here, what now?',
      ],
      answers: ['You could read a book.'],
      any: ['book'],
    },
    {
      asks: [
        'It is raining outside.',
        'Today is very cold.',
        'What a hot afternoon.',
        'The wind is strong.',
        'Look, snow!',
        'There is thick fog on the road.',
      ],
      answers: ['Take care when you go out.'],
      any: ['take care'],
    },
    {
      asks: [
        'What is a good way to learn Chinese?',
        'How do I start getting up early?',
        'How could I focus more?',
        'How do I keep up my exercise?',
        'My handwriting is ugly. How can I improve it?',
      ],
      answers: ['Do a little every day.'],
      any: ['every day'],
    },
  ],
};
