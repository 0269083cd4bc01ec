// In a page: what does not fit, what did not load, where links lead, which ids there are.
async () => {
  await document.fonts.ready;
  const drawn = () => (!window.docfx || window.docfx.ready) && !document.querySelector('pre.mermaid:not([data-processed]), .lang-mermaid');
  for (let i = 0; i < 400 && !drawn(); i++) {
    await new Promise(done => setTimeout(done, 50)); // navigation and diagrams are made by scripts
  }
  for (const image of document.images) {
    image.loading = 'eager';
    if (!image.complete) {
      await new Promise(done => { image.onload = done; image.onerror = done; setTimeout(done, 5000); });
    }
  }
  const width = document.documentElement.clientWidth;
  const scrolls = element => {
    for (let each = element.parentElement; each && each !== document.body; each = each.parentElement) {
      if (/(auto|scroll|hidden|clip)/.test(getComputedStyle(each).overflowX)) { return true; }
    }
    return false;
  };
  const problems = [];
  if (!drawn()) { problems.push('the scripts of the page do not end'); }
  if (document.documentElement.scrollWidth > width + 1) {
    const wide = [...document.body.querySelectorAll('*')]
      .filter(each => each.checkVisibility() && each.getBoundingClientRect().right > width + 1 && !scrolls(each))
      .map(each => `${each.tagName.toLowerCase()} '${(each.textContent || '').trim().slice(0, 50)}' by ${Math.round(each.getBoundingClientRect().right - width)} pixels`);
    problems.push(`overflow: the page is ${document.documentElement.scrollWidth} wide, the window ${width}: ${wide.slice(-2).join('; ')}`);
  }
  for (const image of document.images) {
    if (image.naturalWidth === 0) { problems.push(`no image: ${image.src}`); }
  }
  return {
    problems,
    ids: [...document.querySelectorAll('[id], a[name]')].map(each => each.id || each.name),
    links: [...document.querySelectorAll('a[href]')].map(each => each.href),
  };
}
