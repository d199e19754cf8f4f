// SPDX-License-Identifier: GPL-2.0-only
export {
  everywhere,
  inCluster,
  installation,
  nodesIn,
  shared,
  sharedIn,
  subjectOf,
  theNode,
  type Identity,
  type Owner,
  type Resource,
  type Scope,
  type ScopedNode,
} from './identity';
export { rightsOfGroups, type GroupRule, type Rights } from './group-rights';
export { denial, insistMay, may, mayAnywhere } from './may';
export { matchesNamePattern, parseNamePattern } from './name-pattern';
export { parseOwnerName, parseTokenName } from './names';
export { parseRole, roles, verbsOf, type Role } from './roles';
export {
  notCertifiedBy,
  notTrusting,
  successionOf,
  type Authority,
  type AuthorityStage,
  type Succession,
  type Successor,
  type TrustingNode,
} from './succession';
export { verbs, type Verb } from './verbs';
