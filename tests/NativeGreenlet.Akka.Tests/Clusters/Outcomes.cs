using System.Globalization;
using Akka.Actor;

namespace NativeGreenlet.Akka.Tests.Clusters;

/// <summary>How calls have ended. On one hub.</summary>
internal sealed class Outcomes
{
    private readonly HashSet<string> _nodes = [];

    public int Begun { get; private set; }

    public int Answers { get; private set; }

    public int Timeouts { get; private set; }

    public string Other { get; private set; } = "none";

    public int Nodes { get; private set; }

    public static Outcomes Parse(string text)
    {
        string[] words = text.Split(' ', 5);
        int[] numbers = [.. words[..4].Select(word => int.Parse(word, CultureInfo.InvariantCulture))];
        return new Outcomes { Begun = numbers[0], Answers = numbers[1], Timeouts = numbers[2], Nodes = numbers[3], Other = words[4] };
    }

    public void Count(Func<Answered> call)
    {
        Begun++;
        try
        {
            _nodes.UnionWith(call().Nodes);
            Nodes = _nodes.Count;
            Answers++;
        }
        catch (AskTimeoutException)
        {
            Timeouts++;
        }
        catch (Exception exception) when (exception is not GreenletExit)
        {
            Other = $"{exception.GetType()}: {exception.Message}";
        }
    }

    public void Add(Outcomes others)
    {
        Begun += others.Begun;
        Answers += others.Answers;
        Timeouts += others.Timeouts;
        Nodes = Math.Max(Nodes, others.Nodes);
        Other = others.Other == "none" ? Other : others.Other;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Begun} {Answers} {Timeouts} {Nodes} {Other.ReplaceLineEndings(" ")}");
}
