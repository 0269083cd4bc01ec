// In a page: waits for its scripts; then what did not load, where links lead, which ids there are.
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
  const problems = [];
  if (!drawn()) { problems.push('the scripts of the page do not end'); }
  for (const image of document.images) {
    if (image.naturalWidth === 0) { problems.push(`no image: ${image.src}`); }
  }
  return {
    problems,
    hasDiagrams: document.querySelector('pre.mermaid') !== null,
    ids: [...document.querySelectorAll('[id], a[name]')].map(each => each.id || each.name),
    links: [...document.querySelectorAll('a[href]')].map(each => each.href),
  };
}
