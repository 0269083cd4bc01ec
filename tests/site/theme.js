// In a page: gives it the colours of a scheme, light or dark, as its menu does, and waits until its scripts have drawn the diagrams anew.
async scheme => {
  const root = document.documentElement;
  if (root.getAttribute('data-bs-theme') === scheme) { return []; }
  document.querySelectorAll('pre.mermaid svg').forEach(old => old.classList.add('old-scheme'));
  root.setAttribute('data-bs-theme', scheme);
  const drawn = () => !document.querySelector('pre.mermaid:not([data-processed]), pre.mermaid svg.old-scheme');
  for (let i = 0; i < 400 && !drawn(); i++) {
    await new Promise(done => setTimeout(done, 50));
  }
  for (const running of document.getAnimations()) {
    if (Number.isFinite(running.effect.getComputedTiming().endTime)) { running.finish(); }
  }
  return drawn() ? [] : ['the diagrams do not get the colours of the page'];
}
