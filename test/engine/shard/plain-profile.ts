/** Data of the `profile.updated` by which customers become known in tests of the shards. */
export const plainProfile = {
  employmentStatus: 'employed',
  studentStatus: false,
  riskGrade: 'balanced',
  birthDate: Date.UTC(1985, 0, 1),
  totalAssets: 10_000_000,
  currency: 'CNY',
  residenceRegion: null,
  tier: null,
  hasChildren: null,
  cleared: [],
}
