// In a page: words whose colour is too near to what is behind them (4.5 to 1, large ones 3 to 1), and pictures and links without words.
// It is what axe-core finds, in a hundredth of the time, because what is behind words here are the elements around them. In diagrams it is
// not: there, and on some pages to check this, axe-core looks itself.
() => {
  const color = text => {
    const parts = text.match(/-?[\d.]+(e-\d+)?/g).map(Number);
    const scale = text.startsWith('color(srgb') ? 255 : 1;
    return { rgb: parts.slice(0, 3).map(part => part * scale), alpha: parts.length > 3 ? parts[3] : 1 };
  };
  const over = (front, alpha, back) => front.map((part, i) => part * alpha + back[i] * (1 - alpha));
  const light = rgb => {
    const parts = rgb.map(part => part / 255).map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const hex = rgb => '#' + rgb.map(part => Math.round(part).toString(16).padStart(2, '0')).join('');
  const places = new Map([[null, { ground: [255, 255, 255], opacity: 1 }]]);
  const placeOf = element => {
    let place = places.get(element);
    if (!place) {
      const behind = placeOf(element.parentElement);
      const style = getComputedStyle(element);
      const own = color(style.backgroundColor);
      const opacity = behind.opacity * Number(style.opacity);
      place = { ground: over(own.rgb, own.alpha * opacity, behind.ground), opacity };
      places.set(element, place);
    }
    return place;
  };
  const problems = new Set();
  for (const element of document.body.querySelectorAll('*')) {
    const hasWords = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!hasWords || element.closest('script, style, noscript, .visually-hidden, pre.mermaid, :disabled, .disabled')
      || !element.checkVisibility({ visibilityProperty: true })) { continue; }
    const style = getComputedStyle(element);
    const { ground, opacity } = placeOf(element);
    const own = color(style.color);
    const front = over(own.rgb, own.alpha * opacity, ground);
    const pair = [light(front), light(ground)].sort((left, right) => right - left);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if (contrast < least - 0.005) {
      const name = each => each.tagName.toLowerCase() + [...each.classList].map(word => '.' + word).join('');
      problems.add(`color-contrast: ${name(element.parentElement)} > ${name(element)}: ${contrast.toFixed(2)}, ${hex(front)} on ${hex(ground)}, ${size} pixels`);
    }
  }
  for (const image of document.images) {
    if (!image.hasAttribute('alt')) { problems.add(`image-alt: ${image.src} has no words`); }
  }
  for (const link of document.querySelectorAll('a[href]')) {
    const words = link.textContent.trim() || link.ariaLabel || link.title || [...link.querySelectorAll('img')].map(image => image.alt).join('');
    if (!words && link.checkVisibility()) { problems.add(`link-name: ${link.getAttribute('href')} has no words`); }
  }
  return [...problems];
}
