/* The names of the allocator's closed sets, as the page says them. */

/** Tiers, from the nearest to the farthest. */
export const TIERS = ["working", "project", "long_term", "rag"];

const TIER_NAMES = { working: "Working", project: "Project", long_term: "Long-term", rag: "Documents" };

/** Complexities, from the least to the most. */
export const COMPLEXITIES = ["simple", "medium", "complex", "expert"];

/** Why a memory is not in a prompt: the short name, and a sentence that goes on from "left out". */
export const REASONS = {
  outranked: ["Outranked", "Other memories are worth more for the tokens it needs."],
  below_price: ["Below the price", "It is worth less than its tokens cost, by token_price."],
  below_threshold: ["Below the threshold", "Its score is under the workspace's min_score."],
  duplicate: ["Duplicate", "A memory that is in the prompt says the same."],
  too_large: ["Too large", "It needs more tokens than it could have if it were alone."],
  tier_excluded: ["Tier without tokens", "Its tier has no tokens, and no other tier may lend any."],
};

/** What a phase of a recall is. */
export const PHASES = {
  recall: "All of it",
  load: "Load memories",
  embed: "Embed the question",
  choose: "Choose",
};

/** A tier's name. */
export function tierName(tier) {
  return TIER_NAMES[tier] || tier;
}

/** A reason's short name. */
export function reasonName(reason) {
  return REASONS[reason]?.[0] || reason;
}

/** What a reason says. */
export function reasonText(reason) {
  return REASONS[reason]?.[1] || "";
}
