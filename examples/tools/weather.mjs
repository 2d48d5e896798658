// A tool of your own: it gets its arguments and prints what the model will read. This one makes the weather up.
const city = process.argv.at(-1);
const skies = ['sun', 'rain', 'wind', 'snow'];
const sum = [...city].reduce((total, character) => total + character.codePointAt(0), 0);
console.log(`${city}, tomorrow: ${skies[sum % skies.length]}, ${sum % 30} °C (made up)`);
