"""The signals that a query's complexity is read from: names, words and points.

The points of LENGTH, JUDGEMENT, COMPARISON and CHAIN are fitted, by
`mba_integrations.learning.complexity_fit`, on questions that are labelled as answered in one step
or in several (Natural Questions and TriviaQA against HotpotQA, 2WikiMultihopQA, MuSiQue and
StrategyQA). Held-out accuracy on 637 of them is 0.84 (95 % interval 0.81 to 0.87; always saying
"several" has 0.67), and 0.61 on a data set of which no question was in the fit. The signals were
chosen with these questions in view, which the interval does not count. The questions hold no
instructions, code or lists, so the points of the other signals are set by hand, such that a short
query with one or two of them is medium.

Words are English; a workspace may replace each list. A word may end in `*`, which stands for any
ending.
"""

from __future__ import annotations

from enum import StrEnum


class ComplexitySignal(StrEnum):
    """What a query is looked at for."""

    LENGTH = "length"
    """Words, in tens."""
    OPEN_QUESTION = "open_question"
    """It asks how or why, not how many."""
    JUDGEMENT = "judgement"
    """A yes-or-no question about the world: its answer is rarely written down as such."""
    COMPARISON = "comparison"
    """A choice between alternatives, a comparing word, or something that two things share."""
    CHAIN = "chain"
    """Something is described by its relation to something else: "the father of", "the X that"."""
    SEVERAL_QUESTIONS = "several_questions"
    """Questions after the first."""
    ENUMERATION = "enumeration"
    """List entries, and parts between commas or semicolons."""
    INSTRUCTION = "instruction"
    """Words that ask to analyse, explain or design."""
    TECHNICAL = "technical"
    """Different technical terms."""
    CODE = "code"
    """Source code, a command line or a stack trace."""
    CONVERSATION = "conversation"
    """A long conversation stands behind the query."""
    CANDIDATES = "candidates"
    """Many memory items are there to choose from."""


DEFAULT_SIGNAL_POINTS: dict[ComplexitySignal, float] = {
    ComplexitySignal.LENGTH: 1.3,
    ComplexitySignal.OPEN_QUESTION: 1.0,
    ComplexitySignal.JUDGEMENT: 3.5,
    ComplexitySignal.COMPARISON: 3.5,
    ComplexitySignal.CHAIN: 3.5,
    ComplexitySignal.SEVERAL_QUESTIONS: 1.5,
    ComplexitySignal.ENUMERATION: 0.75,
    ComplexitySignal.INSTRUCTION: 1.5,
    ComplexitySignal.TECHNICAL: 0.5,
    ComplexitySignal.CODE: 1.5,
    ComplexitySignal.CONVERSATION: 0.5,
    ComplexitySignal.CANDIDATES: 0.5,
}
"""Points for one unit of each signal."""

MOST_UNITS: dict[ComplexitySignal, float] = {
    ComplexitySignal.LENGTH: 4.0,
    ComplexitySignal.OPEN_QUESTION: 1.0,
    ComplexitySignal.JUDGEMENT: 1.0,
    ComplexitySignal.COMPARISON: 1.2,
    ComplexitySignal.CHAIN: 1.5,
    ComplexitySignal.SEVERAL_QUESTIONS: 3.0,
    ComplexitySignal.ENUMERATION: 4.0,
    ComplexitySignal.INSTRUCTION: 3.0,
    ComplexitySignal.TECHNICAL: 6.0,
    ComplexitySignal.CODE: 1.0,
    ComplexitySignal.CONVERSATION: 1.0,
    ComplexitySignal.CANDIDATES: 1.0,
}
"""Units of a signal that count at most, so that no single signal makes a query expert."""


def _words(text: str, *phrases: str) -> tuple[str, ...]:
    """The words of *text* and the phrases, in order."""
    return (*text.split(), *phrases)


JUDGEMENT_OPENERS = _words(
    """
    is are was were do does did can could would should will has have had may might must
    """,
)
"""First words of a yes-or-no question."""

OPEN_QUESTION_WORDS = ("how", "why")

COMPARISON_WORDS = _words(
    """
    compare compares compared comparing comparison contrast versus vs difference differences
    differ differs trade-off trade-offs tradeoff tradeoffs alternatives than earlier later older
    oldest younger youngest longer longest larger largest bigger higher highest lower lowest
    faster slower better worse cheaper
    """,
    "pros and cons",
    "advantages and disadvantages",
)

SHARED_WORDS = ("both", "same", "in common", "share", "shared", "shares")

RELATION_WORDS = _words(
    """
    father mother parent husband wife spouse son daughter child brother sister sibling uncle
    aunt cousin grandfather grandmother widow partner girlfriend boyfriend director performer
    composer author creator founder producer singer actor actress writer owner publisher star
    leader president governor developer manufacturer inventor designer head chairman member
    maker host maintainer architect builder editor capital birthplace hometown headquarters
    company organization organisation country city county state region place location team band
    school university artist person character party network league group library service module
    function class file project
    """,
)

INSTRUCTION_WORDS = _words(
    """
    analyse* analyze* analysis architect assess* audit critique debug design* develop evaluate*
    evaluating evaluation explain* implement* investigate* justify migrate outline plan
    prioritise prioritize propose* recommend* redesign refactor* review rewrite summarise
    summarize synthesise synthesize troubleshoot
    """,
    "step by step",
    "root cause",
    "walk me through",
    "best practices",
)

TECHNICAL_WORDS = _words(
    """
    algorithm* api apis architecture* async asynchronous authentication authorization
    availability backend bandwidth benchmark* bm25 cache* caching ci/cd cloud cluster* compiler
    concurrency concurrent config configuration consensus consistency container* cpu
    cryptograph* css data database* dataset* deadlock* deployment* distributed docker embedding*
    encryption endpoint* event-driven exception failover fault-tolerant framework* frontend gpu
    gradient* graphql grpc hash hashing html http https index indexes indexing inference
    infrastructure java javascript json kafka kubernetes latency library linux llm llms
    load-balancing logging machine-learning memory microservice* middleware migration* model*
    monitoring multi-tenant multithreaded mutex neural numpy nosql oauth observability optimise*
    optimize* optimization optimisation orchestration pandas parallel parser partition*
    performance pipeline* postgres postgresql profiling protocol* proxy python quer* queue*
    race-condition rag react recursion redis regex regression* replication rest retrieval
    rollback runtime rust saas scalability scalable schema* sdk security serverless sharding sql
    sqlite stack statistical stream* tcp tensor* terraform thread* throughput tls token*
    tokenizer transaction* transformer* typescript unicode vector* virtualization webhook*
    websocket* yaml
    """,
    "load balancing",
    "machine learning",
    "race condition",
    "fault tolerance",
)
