using DistillOnnx.Toolchain.Import;

namespace DistillOnnx.Toolchain.Tests.Import;

public sealed class TextStoreTests
{
    [Fact]
    public void Item_TextsOfAnyLengthAndNulls_ComeBackInAnyOrder()
    {
        string?[] texts = [null, "", "a", null, null, new string('é', 3000), "🙂", null];
        using var store = new TextStore();
        foreach (var text in texts) store.Add(text);
        store.Complete();

        Assert.Equal(texts.Length, store.Count);
        foreach (var index in (int[])[7, 5, 0, 6, 1, 2, 3, 4]) Assert.Equal(texts[index], store[index]);
    }
}
