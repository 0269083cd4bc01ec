// In a picture (SVG): words that are cut off, that lie on each other, or that cannot be read on what is behind them.
() => {
  const root = document.documentElement;
  const frame = root.getBoundingClientRect();
  const problems = [];
  const light = color => {
    const parts = color.match(/[\d.]+/g).map(Number).slice(0, 3).map(part => part / 255).map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const texts = [...document.querySelectorAll('text')].filter(text => text.textContent.trim());
  const boxes = texts.map(text => text.getBoundingClientRect());
  texts.forEach((text, i) => {
    const box = boxes[i];
    const words = `'${text.textContent.trim()}'`;
    if (box.left < frame.left || box.right > frame.right || box.top < frame.top || box.bottom > frame.bottom) { problems.push(`cut off: ${words}`); }
    for (let j = 0; j < i; j++) {
      const other = boxes[j];
      const across = Math.min(box.right, other.right) - Math.max(box.left, other.left);
      const down = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
      if (across > 1 && down > 4) { problems.push(`${words} lies on '${texts[j].textContent.trim()}'`); }
    }
    const middle = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
    const ground = [...document.querySelectorAll('rect, path, circle')].reverse().find(each => {
      const style = getComputedStyle(each);
      const place = each.getBoundingClientRect();
      return !each.closest('defs') && style.fill.startsWith('rgb(') && place.left <= middle[0] && middle[0] <= place.right && place.top <= middle[1] && middle[1] <= place.bottom;
    });
    if (!ground) { problems.push(`nothing is behind ${words}`); return; }
    const pair = [light(getComputedStyle(text).fill), light(getComputedStyle(ground).fill)].sort((left, right) => right - left);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < 4.5) { problems.push(`contrast ${contrast.toFixed(2)}: ${words}`); }
  });
  return problems;
}
