using System.Text.RegularExpressions;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Metrics;
using DistillOnnx.Teacher.Answers;
using DistillOnnx.Teacher.Journaling;
using DistillOnnx.Teacher.Prompts;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Rows;

/// <summary>
/// All that is asked for one row, and what follows from the answers. It depends on the answers alone: over a teacher it asks,
/// over the journal of that teacher it gives the same outcome without asking.
/// </summary>
/// <param name="task">What the rows ask.</param>
/// <param name="options">How to ask and what to keep.</param>
/// <param name="template">The text around the rows.</param>
internal sealed partial class RowAnnotator(TaskSpec task, AnnotateOptions options, PromptTemplate template)
{
    private const double HotterPerAttempt = 0.3;
    private const int RaisedLimit = 4;
    // Languages without spaces, and answers that run away, have few words by spaces.
    private const int MostCharactersPerWord = 20;
    private const int RationalizedSample = 1_000_000;
    private readonly PromptRenderer _prompts = new(task, template, options.Style, options.Structured == true);
    private readonly AnswerReader _answers = new(
        task, options, options.Prompt is null || PromptTemplate.IsBuiltIn(options.Prompt) ? null : template.Answer);

    /// <summary>The prompt of a row.</summary>
    /// <param name="example">The row.</param>
    public IList<ChatMessage> Prompt(Example example) => _prompts.Render(example);

    /// <summary>The request for one sample of a row, before any attempt at it failed.</summary>
    /// <param name="example">The row.</param>
    /// <param name="sample">The sample's number.</param>
    public ChatOptions Request(Example example, int sample) => Request(example, sample, attempt: 0, cut: false);

    /// <summary>Annotates a row.</summary>
    /// <param name="example">The row.</param>
    /// <param name="teacher">Who answers.</param>
    /// <param name="cancellationToken">Stops asking.</param>
    /// <exception cref="TeacherException">No row can be answered.</exception>
    public async Task<RowOutcome> AnnotateAsync(Example example, IChatClient teacher, CancellationToken cancellationToken)
    {
        var prompt = _prompts.Render(example);
        var tally = new Tally();
        var votes = new List<(string Label, string? Rationale, bool Mapped)>();
        for (var sample = 0; sample < options.Samples; sample++)
        {
            if (await AskAsync(example, prompt, sample, tally, teacher, cancellationToken)
                .ConfigureAwait(false) is { Label: { } label } parsed)
            {
                votes.Add((label, parsed.Rationale, parsed.Mapped));
            }
        }

        var winner = Winner(votes);
        var outcome = new RowOutcome
        {
            PromptHash = RequestKey.PromptHash(prompt),
            Label = winner.Label,
            Rationale = winner.Rationale,
            VoteShare = (double)winner.Votes / options.Samples,
            Verdict = winner.Label is not null ? RowVerdict.Kept
                : tally.NotAsked ? RowVerdict.NotAsked
                : tally.Cut ? RowVerdict.Cut
                : tally.Read ? RowVerdict.Unparsable
                : RowVerdict.Failed,
            Fault = winner.Label is null ? tally.Fault : winner.Rationale is null ? tally.Unusable : null,
            Refused = winner.Label is null && tally.Refused,
            RawAnswer = winner.Label is null ? tally.Raw
                : winner.Rationale is null && tally.Unusable is not null ? tally.LastAnswer : null,
            Mapped = winner.Mapped,
            Contradicts = winner.Rationale is null && tally.Contradicts,
        };
        // A sample that was not asked leaves the row open, and a later run asks for it.
        if (tally.NotAsked) outcome = outcome with { Verdict = RowVerdict.NotAsked, Rationale = null, Label = null, VoteShare = 0 };
        if (options.Rationalize
            && example.Label is { } gold
            && !tally.NotAsked
            && !(outcome.Label is { } found && Accuracy.IsCorrect(task.Metric, found, gold)))
        {
            outcome = await RationalizeAsync(example, gold, outcome, tally, teacher, cancellationToken).ConfigureAwait(false);
        }
        return Judge(example, outcome) with
        {
            Open = tally.Open,
            LastAnswer = tally.LastAnswer,
            Thoughts = tally.Thoughts,
            Model = tally.Model,
            InputTokens = tally.Input,
            OutputTokens = tally.Output,
        };
    }

    private async Task<RowOutcome> RationalizeAsync(
        Example example, string gold, RowOutcome outcome, Tally tally, IChatClient teacher, CancellationToken cancellationToken)
    {
        var prompt = _prompts.Render(example, gold);
        var parsed = await AskAsync(example, prompt, RationalizedSample, tally, teacher, cancellationToken).ConfigureAwait(false);
        if (tally.NotAsked) return outcome with { Verdict = RowVerdict.NotAsked, Rationale = null, Label = null, VoteShare = 0 };
        // Reasons for another label than the one given explain nothing.
        if (parsed is not { Label: { } label, Rationale: { } rationale } || !Accuracy.IsCorrect(task.Metric, label, gold)) return outcome;
        return outcome with
        {
            Verdict = RowVerdict.Kept,
            Rationale = rationale,
            Rationalized = true,
            PromptHash = RequestKey.PromptHash(prompt),
            Fault = null,
            RawAnswer = null,
            Refused = false,
        };
    }

    private async Task<TeacherAnswer?> AskAsync(
        Example example, IList<ChatMessage> prompt, int sample, Tally tally, IChatClient teacher, CancellationToken cancellationToken)
    {
        TeacherAnswer? last = null;
        var (asked, raised, retries) = (prompt, false, 0);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                var request = Request(example, sample, attempt, raised);
                var response = await teacher.GetResponseAsync(asked, request, cancellationToken).ConfigureAwait(false);
                tally.Add(response);
                if (response.FinishReason == ChatFinishReason.ContentFilter)
                {
                    tally.Refuse(
                        response.Text.Trim() is { Length: > 0 } words
                            ? $"the model refused: {OneLine(words)}"
                            : "a content filter withheld the answer");
                    return last;
                }

                var read = _answers.Read(example, response);
                last = read;
                tally.Contradicts |= read.Contradicts;
                tally.Unusable ??= read.Unusable;
                (tally.LastAnswer, tally.Thoughts) = (response.Text, read.Thoughts);
                if (read.Label is not null) return last;
                tally.Note(response, read, request.MaxOutputTokens ?? 0);
                if (read.Fault == AnswerFault.Cut)
                {
                    // The same limit would cut the same answer again.
                    if (raised || options.ParseRetries == 0) return last;
                    raised = true;
                    continue;
                }

                if (retries++ >= options.ParseRetries) return last;
                asked = Corrected(prompt, response.Text, read.Fault);
            }
            catch (TeacherException e) when (e.OfRequest)
            {
                tally.Fault = e.Message;
                tally.Open = true;
                tally.Refused |= e.Fault == TeacherFault.Refused;
                tally.NotAsked |= e.Message == JournaledChatClient.NotAsked;
                return last;
            }
        }
    }

    // The same prompt would mostly get the same answer: the conversation continues with an explanation of the fault.
    private List<ChatMessage> Corrected(IList<ChatMessage> prompt, string answer, AnswerFault fault)
    {
        if (options.Style == PromptStyle.Completion) return [.. prompt];
        var form = options.Structured == true ? "one JSON object with \"rationale\" and \"label\"" : $"the form: {template.Answer}";
        var said = ThoughtSplitter.Split(answer).Answer;
        var correction = new ChatMessage(ChatRole.User, $"That answer cannot be used: {Explain(fault)}. Answer again in {form}");
        return said.Length > 0
            ? [.. prompt, new ChatMessage(ChatRole.Assistant, said), correction]
            : [.. prompt.SkipLast(1), new ChatMessage(prompt[^1].Role, $"{prompt[^1].Text}\n\n({correction.Text})")];
    }

    private static string Explain(AnswerFault fault) => fault switch
    {
        AnswerFault.Empty => "it is empty",
        AnswerFault.Cut => "it was cut by the limit of output tokens",
        AnswerFault.UnknownLabel => "what it names is none of the possible answers",
        AnswerFault.Ambiguous => "it names several answers, or negates the answer",
        AnswerFault.NoEquation => "it holds no arithmetic expression",
        _ => "it does not name its answer",
    };

    private ChatOptions Request(Example example, int sample, int attempt, bool cut)
    {
        var temperature = options.Temperature ?? (options.Samples > 1 ? 0.7 : 0);
        return new ChatOptions
        {
            // A completion prompt has no place for an explanation: the answer is sampled instead.
            Temperature = (float)(options.Style == PromptStyle.Completion
                ? Math.Min(2, temperature + HotterPerAttempt * attempt)
                : temperature),
            MaxOutputTokens = cut ? options.MaxOutputTokens * RaisedLimit : options.MaxOutputTokens,
            StopSequences = options.Style == PromptStyle.Completion && template.Stop.Count > 0 ? [.. template.Stop] : null,
            Seed = options.SendSeed ? options.Seed + sample : null,
            ResponseFormat = _answers.Format(example),
            Reasoning = options.ReasoningEffort is { } effort ? new ReasoningOptions { Effort = effort } : null,
            AdditionalProperties = new AdditionalPropertiesDictionary
            {
                [RequestKey.Sample] = sample,
                [RequestKey.Attempt] = attempt,
                [RequestKey.Input] = example.Input,
            },
        };
    }

    private static string OneLine(string text)
    {
        text = string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
        return text.Length <= 300 ? text : text[..300] + "…";
    }

    // Equal labels vote together, equations by value; of labels with equal votes the one that came first counts.
    private (string? Label, string? Rationale, int Votes, bool Mapped) Winner(List<(string Label, string? Rationale, bool Mapped)> votes)
    {
        (string? Label, string? Rationale, int Votes, bool Mapped) best = default;
        foreach (var (label, _, _) in votes)
        {
            var same = votes.Where(v => Accuracy.IsCorrect(task.Metric, v.Label, label)).ToList();
            if (same.Count > best.Votes)
                best = (label, same.FirstOrDefault(v => v.Rationale is not null).Rationale, same.Count, same.All(v => v.Mapped));
        }

        return best;
    }

    private static int Words(string text) =>
        text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Count(w => w.Any(char.IsLetterOrDigit));

    private RowOutcome Judge(Example example, RowOutcome outcome)
    {
        if (outcome.Verdict != RowVerdict.Kept) return outcome with { Rationale = null };
        var words = Words(outcome.Rationale ?? "");
        var wrong = options.RequireAgreement
            && !outcome.Rationalized
            && example.Label is { } gold
            && !(outcome.Label is { } label && Accuracy.IsCorrect(task.Metric, label, gold));
        var reasons = outcome.Label is { } named
            ? Words((outcome.Rationale ?? "").Replace(named, " ", StringComparison.OrdinalIgnoreCase))
            : words;
        var verdict = words == 0 && outcome.Contradicts ? RowVerdict.Contradicts
            : words == 0 || reasons < options.MinRationaleWords || Refusal().IsMatch(outcome.Rationale!) ? RowVerdict.NoReasons
            : words > options.MaxRationaleWords
                || outcome.Rationale!.Length > (long)options.MaxRationaleWords * MostCharactersPerWord ? RowVerdict.TooLong
            : wrong ? RowVerdict.Wrong
            : !outcome.Rationalized && outcome.VoteShare < options.MinVoteShare ? RowVerdict.Disagreement
            : RowVerdict.Kept;
        return outcome with { Verdict = verdict, Rationale = verdict == RowVerdict.Kept ? outcome.Rationale : null };
    }

    [GeneratedRegex(
        @"^\W*(?:(?:sorry|i['’]?m\s+(?:\w+\s+)?sorry|i am\s+(?:\w+\s+)?sorry|i apologi[sz]e|unfortunately|as an ai)\b.{0,40}?)?"
        + @"\bI(?:\s+can['’]t|\s+cannot|\s+can not|(?:['’]m|\s+am)\s+(?:unable|not able)\s+to|\s+won['’]t)\s+(?:\w+\s+)?"
        + @"(?:assist|help|comply|fulfil|fulfill|provide|classify|answer|engage|discuss|support|create|generate|do)\b",
        RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex Refusal();

    private sealed class Tally
    {
        public bool Read { get; private set; }

        public bool Cut { get; private set; }

        public string? Raw { get; private set; }

        public string? LastAnswer { get; set; }

        public string? Thoughts { get; set; }

        public bool Refused { get; set; }

        public bool Open { get; set; }

        public bool Contradicts { get; set; }

        public string? Unusable { get; set; }

        public long Input { get; private set; }

        public long Output { get; private set; }

        public string? Model { get; private set; }

        public string? Fault { get; set; }

        public bool NotAsked { get; set; }

        public void Refuse(string fault)
        {
            Fault = fault;
            Refused = true;
        }

        public void Note(ChatResponse response, TeacherAnswer read, int limit)
        {
            Read = true;
            Cut = read.Fault == AnswerFault.Cut;
            Raw = response.Text.Trim() is { Length: > 0 } text ? text : read.Thoughts is { } thoughts ? $"(thoughts alone) {thoughts}" : "";
            Fault = Cut
                ? $"the answer was cut at {limit} tokens (--max-output-tokens)"
                : $"the answer cannot be used: {Explain(read.Fault)}";
        }

        public void Add(ChatResponse response)
        {
            Input += response.Usage?.InputTokenCount ?? 0;
            Output += response.Usage?.OutputTokenCount ?? 0;
            Model ??= response.ModelId;
        }
    }
}
