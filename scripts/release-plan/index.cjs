const { default: assembleReleasePlan } = require("@changesets/assemble-release-plan");

/**
 * Plans a release as changesets does, but as if no package had peers. changesets takes a version of core outside the
 * range of a peer for a breaking change, and makes it 1.0.0: 0.2.0 is outside `^0.1.0`, and 1.1.0-next.0 is outside
 * `^1.0.0`. Here all packages are released together with one version, and `workspace:^` always means that version.
 */
module.exports = function planRelease(changesets, packages, ...others) {
  const withoutPeers = packages.packages.map(({ packageJson, ...folder }) => ({
    ...folder,
    packageJson: { ...packageJson, peerDependencies: undefined },
  }));
  return assembleReleasePlan(changesets, { ...packages, packages: withoutPeers }, ...others);
};
