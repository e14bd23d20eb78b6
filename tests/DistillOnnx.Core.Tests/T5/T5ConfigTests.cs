using System.Text;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tests.Checkpoints;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.T5;

public class T5ConfigTests
{
    private const string Shape = "\"d_ff\":2048,\"d_kv\":64,\"d_model\":512,\"num_heads\":8,\"num_layers\":6,\"vocab_size\":32128";

    private static T5Config Parse(string json) => T5Config.Parse(Encoding.UTF8.GetBytes(json), "config.json");

    [Fact]
    public void Parse_FirstGenerationFile_TakesTheReferencesDefaults()
    {
        var config = Parse($$$"""
            {"architectures":["T5WithLMHeadModel"],{{{Shape}}},"decoder_start_token_id":0,"dropout_rate":0.1,
             "eos_token_id":1,"initializer_factor":1.0,
             "is_encoder_decoder":true,"layer_norm_epsilon":1e-06,"model_type":"t5","n_positions":512,"output_past":true,"pad_token_id":0,
             "relative_attention_num_buckets":32,
             "task_specific_params":{"summarization":{"early_stopping":true,"num_beams":4,"prefix":"summarize: "} } }
            """);
        Assert.Equal(60_506_624, config.ParameterCount);
        Assert.Equal(
            (T5Activation.Relu, false, true, 6, 128),
            (config.Activation, config.IsGated, config.TieWordEmbeddings, config.NumDecoderLayers, config.RelativeAttentionMaxDistance));
    }

    [Fact]
    public void Parse_FlanBase_IsGatedAndUntied()
    {
        var config = Parse("""
            {"architectures":["T5ForConditionalGeneration"],"d_ff":2048,"d_kv":64,"d_model":768,"decoder_start_token_id":0,
             "dropout_rate":0.1,"eos_token_id":1,
             "feed_forward_proj":"gated-gelu","initializer_factor":1.0,"is_encoder_decoder":true,"layer_norm_epsilon":1e-06,
             "model_type":"t5","n_positions":512,"num_decoder_layers":12,"num_heads":12,"num_layers":12,"output_past":true,"pad_token_id":0,
             "relative_attention_max_distance":128,"relative_attention_num_buckets":32,"tie_word_embeddings":false,
             "transformers_version":"4.23.1","use_cache":true,"vocab_size":32128}
            """);
        Assert.Equal(247_577_856, config.ParameterCount);
        Assert.Equal((T5Activation.GeluNew, true, false), (config.Activation, config.IsGated, config.TieWordEmbeddings));
    }

    /// <summary>transformers 5 refuses a configuration that has a whole number where it expects a fraction.</summary>
    [Theory]
    [InlineData(1f, "1.0")]
    [InlineData(0.05f, "0.05")]
    [InlineData(1e-6f, "1E-06")]
    [InlineData(1e20f, "1E+20")]
    public void ToJson_Fractions_AreSpelledAsSuch(float value, string spelled)
    {
        var config = new T5Config { VocabSize = 8, DModel = 4, DKv = 2, DFf = 4, NumLayers = 1, NumDecoderLayers = 1, NumHeads = 2 };
        var json = (config with { InitializerFactor = value, DropoutRate = 0 }).ToJson();

        Assert.Equal(spelled, json["initializer_factor"]!.ToJsonString());
        Assert.Equal("0.0", json["dropout_rate"]!.ToJsonString());
        Assert.Equal("1E-06", json["layer_norm_epsilon"]!.ToJsonString());
        Assert.Equal(value, T5Config.Parse(System.Text.Encoding.UTF8.GetBytes(json.ToJsonString()), "config.json").InitializerFactor);
    }

    [Fact]
    public void Parse_MT5Small_HasItsVocabularyAndDefaults()
    {
        var config = Parse("""
            {"architectures":["MT5ForConditionalGeneration"],"d_ff":1024,"d_kv":64,"d_model":512,"dropout_rate":0.1,
             "eos_token_id":1,"initializer_factor":1.0,
             "is_encoder_decoder":true,"layer_norm_epsilon":1e-06,"model_type":"mt5","num_decoder_layers":8,"num_heads":6,"num_layers":8,
             "pad_token_id":0,
             "relative_attention_num_buckets":32,"tokenizer_class":"T5Tokenizer","vocab_size":250112}
            """);
        Assert.Equal(300_176_768, config.ParameterCount);
        Assert.Equal((T5Activation.GeluNew, true, false), (config.Activation, config.IsGated, config.TieWordEmbeddings));
    }

    [Theory]
    [InlineData("", T5Activation.Relu, false)]
    [InlineData(",\"feed_forward_proj\":\"relu\"", T5Activation.Relu, false)]
    [InlineData(",\"feed_forward_proj\":\"gated-gelu\"", T5Activation.GeluNew, true)]
    [InlineData(",\"feed_forward_proj\":\"gated-gelu\",\"dense_act_fn\":\"gelu_new\",\"is_gated_act\":true", T5Activation.GeluNew, true)]
    [InlineData(",\"feed_forward_proj\":\"gated-gelu\",\"dense_act_fn\":\"gelu\",\"is_gated_act\":true", T5Activation.Gelu, true)]
    [InlineData(",\"feed_forward_proj\":\"gated-silu\"", T5Activation.Silu, true)]
    [InlineData(",\"feed_forward_proj\":\"gated-relu\"", T5Activation.Relu, true)]
    [InlineData(",\"feed_forward_proj\":\"swish\"", T5Activation.Silu, false)]
    [InlineData(",\"feed_forward_proj\":\"gelu\"", T5Activation.Gelu, false)]
    [InlineData(",\"dense_act_fn\":\"silu\",\"is_gated_act\":true", T5Activation.Silu, true)]
    public void Parse_FeedForward_IsWhatTheReferenceMakesOfIt(string keys, T5Activation activation, bool gated)
    {
        var config = Parse($"{{{Shape}{keys}}}");
        Assert.Equal((activation, gated), (config.Activation, config.IsGated));
        Assert.Equal(config, T5Config.Parse(Encoding.UTF8.GetBytes(config.ToJson().ToJsonString()), "again"));
    }

    [Fact]
    public void Parse_SeveralEndTokens_EndsAtAnyAndIsWrittenAsAList()
    {
        var config = Parse("{" + Shape + ",\"eos_token_id\":[1,9,5,9]}");
        Assert.Equal(1, config.EosTokenId);
        Assert.Equal([1, 5, 9], Enumerable.Range(0, 20).Where(config.IsEnd));
        Assert.Equal(config, T5Config.Parse(Encoding.UTF8.GetBytes(config.ToJson().ToJsonString()), "again"));
        Assert.NotEqual(config, Parse("{" + Shape + "}"));
        Assert.Equal("1", Parse("{" + Shape + ",\"eos_token_id\":[1]}").ToJson()["eos_token_id"]!.ToJsonString());
    }

    [Theory]
    [InlineData("", "not the JSON")]
    [InlineData("[]", "expected a JSON object")]
    [InlineData("{", "not the JSON")]
    [InlineData("{}", "\"vocab_size\" is missing")]
    [InlineData("{\"d_ff\":\"2048\"}", "\"d_ff\" must be a number")]
    [InlineData("{\"d_ff\":1,\"d_ff\":2}", "the key \"d_ff\" stands twice")]
    [InlineData("{\"d_ff\":1,\"x\":{\"y\":1,\"y\":2}}", "the key \"y\" stands twice")]
    [InlineData("{\"d_ff\":1,\"d_model\":null}", "\"d_model\" is null, expected a number")]
    [InlineData("{" + Shape + "} {}", "not the JSON")]
    [InlineData("{" + Shape + ",\"d_model\":0}", "the key \"d_model\" stands twice")]
    [InlineData("{" + Shape + ",\"num_decoder_layers\":-1}", "\"num_decoder_layers\" must be between 1 and 1024, found -1")]
    [InlineData("{" + Shape + ",\"num_decoder_layers\":1e99}", "\"num_decoder_layers\" must be a number")]
    [InlineData("{" + Shape + ",\"feed_forward_proj\":\"tanh\"}", "found \"tanh\"")]
    [InlineData("{" + Shape + ",\"feed_forward_proj\":\"gated-tanh\",\"dense_act_fn\":\"relu\"}", "found \"gated-tanh\"")]
    [InlineData("{" + Shape + ",\"feed_forward_proj\":\"relu\",\"dense_act_fn\":\"tanh\"}", "\"dense_act_fn\" must be one of")]
    [InlineData(
        "{" + Shape + ",\"feed_forward_proj\":\"gated-silu\",\"dense_act_fn\":\"gelu_new\"}",
        "\"dense_act_fn\" is \"gelu_new\", which contradicts \"feed_forward_proj\", \"gated-silu\"")]
    [InlineData(
        "{" + Shape + ",\"feed_forward_proj\":\"gelu\",\"dense_act_fn\":\"gelu_new\"}",
        "\"dense_act_fn\" is \"gelu_new\", which contradicts")]
    [InlineData(
        "{" + Shape + ",\"feed_forward_proj\":\"relu\",\"is_gated_act\":true}",
        "\"is_gated_act\" is true, which contradicts \"feed_forward_proj\", \"relu\"")]
    [InlineData(
        "{" + Shape + ",\"feed_forward_proj\":\"gated-gelu\",\"is_gated_act\":false}", "\"is_gated_act\" is false, which contradicts")]
    [InlineData("{" + Shape + ",\"model_type\":\"bert\"}", "found \"bert\"")]
    [InlineData("{" + Shape + ",\"eos_token_id\":[]}", "\"eos_token_id\" must be a token's number or a list")]
    [InlineData("{" + Shape + ",\"eos_token_id\":[1,40000]}", "\"eos_token_id\" must be between 0 and 32127, found 40000")]
    [InlineData("{" + Shape + ",\"model_type\":\"longt5\"}", "LongT5")]
    [InlineData("{" + Shape + ",\"pad_token_id\":40000}", "\"pad_token_id\"")]
    [InlineData("{" + Shape + ",\"dropout_rate\":1.5}", "\"dropout_rate\"")]
    [InlineData("{" + Shape + ",\"tie_word_embeddings\":\"no\"}", "must be true or false")]
    public void Parse_BadFile_SaysWhatIsWrong(string json, string expected)
    {
        var message = Assert.Throws<InputException>(() => Parse(json)).Message;
        Assert.StartsWith("config.json: ", message);
        Assert.Contains(expected, message);
        Assert.DoesNotContain(message, char.IsControl);
    }

    [Fact]
    public void Parse_MutatedFile_IsRefusedOrSound()
    {
        const string Sound = "{" + Shape
            + ",\"feed_forward_proj\":\"gated-gelu\",\"tie_word_embeddings\":false,\"dropout_rate\":0.1,\"eos_token_id\":1}";
        string[] values = ["-1", "0", "1e99", "9223372036854775807", "null", "\"x\"", "[]", "{}", "1.5", "NaN", "true", "", "\u0001"];
        var keys = System.Text.RegularExpressions.Regex.Matches(Sound, "\"(\\w+)\":").Select(m => m.Groups[1].Value).ToArray();
        var random = new Random(11);
        var refused = 0;
        for (var i = 0; i < 600; i++)
        {
            var text = (i % 4) switch
            {
                0 => Sound[..random.Next(Sound.Length)],
                1 => System.Text.RegularExpressions.Regex.Replace(
                    Sound, $"(\"{keys[random.Next(keys.Length)]}\":)[^,}}]+", $"${{1}}{values[random.Next(values.Length)]}"),
                2 => Sound.Insert(1, $"\"{keys[random.Next(keys.Length)]}\":{values[random.Next(values.Length)]},"),
                _ => Sound.Remove(random.Next(Sound.Length), 1).Insert(random.Next(Sound.Length - 1), $"{(char)random.Next(1, 0x250)}"),
            };
            try
            {
                var config = T5Config.Parse(Encoding.UTF8.GetBytes(text), "config.json");
                Assert.InRange(config.NumLayers, 1, 1024);
                Assert.InRange(config.ParameterCount, 1, long.MaxValue);
            }
            catch (InputException e)
            {
                refused++;
                Assert.StartsWith("config.json: ", e.Message, StringComparison.Ordinal);
                Assert.DoesNotContain(e.Message, char.IsControl);
            }
        }

        Assert.InRange(refused, 400, 600);
    }

    [Fact]
    public void Load_MissingFile_NamesIt() =>
        Assert.Contains("nowhere", Assert.Throws<InputException>(() => T5Config.Load("nowhere")).Message);

    [Fact]
    public void Save_AnyShape_LoadsAsItWas()
    {
        using var directory = new TemporaryDirectory();
        var other = TinyModel.Config(tied: false, gated: true) with { ModelType = "mt5", DropoutRate = 0.25f };
        foreach (var config in (T5Config[])[TinyModel.Config(), other])
        {
            config.Save(directory.Path);
            Assert.Equal(config, T5Config.Load(directory.Path));
        }
    }
}
