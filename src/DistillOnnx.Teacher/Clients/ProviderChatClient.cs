using DistillOnnx.Teacher.Limits;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Clients;

/// <summary>
/// A provider's own client under the toolchain's rules: faults as <see cref="TeacherException"/>, parameters that the
/// model refuses left out after the first refusal, and nothing sent that is meant for the toolchain alone.
/// </summary>
/// <param name="inner">The provider's client.</param>
/// <param name="name">Names it in messages.</param>
/// <param name="contextOption">The additional property that sets the size of the context, where the provider's own
/// default would cut prompts; null: there is none.</param>
internal sealed class ProviderChatClient(IChatClient inner, string name, string? contextOption = null) : DelegatingChatClient(inner)
{
    private const int SmallestContext = 4096;

    /// <summary>What the model refuses.</summary>
    public RefusedParameters Refused { get; } = new();

    /// <inheritdoc/>
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var prompt = messages as IList<ChatMessage> ?? [.. messages];
        while (true)
        {
            var leftOut = Refused.Count;
            var charge = Charge.Begin();
            try
            {
                var response = await base.GetResponseAsync(prompt, Reduced(prompt, options), cancellationToken).ConfigureAwait(false);
                if (response.Usage is null or { InputTokenCount: null, OutputTokenCount: null }) response.Usage = charge.Usage;
                return Marked(response);
            }
            catch (Exception e) when (Fault(e, charge) is { } fault && !cancellationToken.IsCancellationRequested)
            {
                // Another request may have had the parameter left out while this one was on its way. A refusal costs nothing, and
                // each parameter is left out at most once, so the loop ends.
                if (fault.Fault == TeacherFault.Request) Refused.Note(name, fault.Message);
                if (fault.Fault == TeacherFault.Request && Refused.Count > leftOut && !Refused.FormatIsDenied)
                {
                    Refused.NoteResent();
                    continue;
                }

                if (ReferenceEquals(e, fault)) throw;
                throw fault;
            }
        }
    }

    private ChatOptions Reduced(IList<ChatMessage> prompt, ChatOptions? options)
    {
        options = options?.Clone() ?? new ChatOptions();
        options.AdditionalProperties = null;
        if (Refused.Has(RefusedParameters.Temperature)) options.Temperature = null;
        if (Refused.Has(RefusedParameters.TopP)) options.TopP = null;
        if (Refused.Has(RefusedParameters.Seed)) options.Seed = null;
        if (Refused.Has(RefusedParameters.Stop)) options.StopSequences = null;
        if (Refused.Has(RefusedParameters.Format)) options.ResponseFormat = null;
        if (Refused.Has(RefusedParameters.Reasoning)) options.Reasoning = null;
        if (contextOption is not null)
        {
            var needed = TokenEstimate.Prompt(prompt) * BudgetedChatClient.Margin + (options.MaxOutputTokens ?? SmallestContext);
            var size = SmallestContext;
            while (size < needed) size *= 2;
            options.AdditionalProperties = new AdditionalPropertiesDictionary { [contextOption] = size };
        }

        return options;
    }

    // Providers name a refusal by words of their own.
    private static ChatResponse Marked(ChatResponse response)
    {
        if (response.FinishReason?.Value is "refusal") response.FinishReason = ChatFinishReason.ContentFilter;
        else if (response.FinishReason?.Value is "max_tokens" or "model_context_window_exceeded")
            response.FinishReason = ChatFinishReason.Length;
        return response;
    }

    private TeacherException? Fault(Exception exception, Charge charge)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (e is TeacherException fault) return fault;
        }

        return exception is OperationCanceledException or OutOfMemoryException or ObjectDisposedException
            ? null
            : new TeacherException(
                TeacherFault.Transient,
                $"{name}: expected an answer of its protocol: {exception.Message.ReplaceLineEndings(" ")}",
                inner: exception)
            {
                Usage = charge.Usage,
                Unreadable = true,
            };
    }
}
