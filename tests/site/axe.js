// In a page that has axe-core: what breaks its rules.
async rules => {
  const found = await axe.run(document, { runOnly: rules, resultTypes: ['violations'], preload: false });
  return found.violations.flatMap(rule => rule.nodes.map(
    node => `${rule.id} (axe-core): ${node.target.join(' ')}: ${node.any.map(each => each.message).join('; ')}`));
}
