using System.Text;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Limits;

/// <summary>
/// Tokens of a text before a model has counted them. Tokenizers differ; four bytes a token is what those of the large models
/// come to on English, and a few tokens go to the frame of each message.
/// </summary>
internal static class TokenEstimate
{
    private const double BytesPerToken = 4;
    private const int TokensPerMessage = 4;

    /// <summary>Tokens of a prompt.</summary>
    /// <param name="messages">The prompt.</param>
    public static int Prompt(IEnumerable<ChatMessage> messages) =>
        messages.Sum(m => TokensPerMessage + Text(m.Text));

    /// <summary>Tokens of an answer, thoughts included.</summary>
    /// <param name="response">The answer.</param>
    public static int Answer(ChatResponse response) =>
        Text(response.Text) + response.Messages.SelectMany(m => m.Contents).OfType<TextReasoningContent>().Sum(c => Text(c.Text));

    private static int Text(string text) => (int)Math.Ceiling(Encoding.UTF8.GetByteCount(text) / BytesPerToken);
}
