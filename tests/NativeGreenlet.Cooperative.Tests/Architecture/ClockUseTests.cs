using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace NativeGreenlet.Cooperative.Tests.Architecture;

/// <summary>Everything of the libraries goes by the time of the hub. What reads another clock is listed with its reason.</summary>
public class ClockUseTests
{
    private static readonly string[] s_members =
    [
        "Stopwatch.GetTimestamp", "Stopwatch.GetElapsedTime", "Stopwatch.StartNew", "Environment.TickCount", "Environment.TickCount64",
        "DateTime.Now", "DateTime.UtcNow", "DateTime.Today", "DateTimeOffset.Now", "DateTimeOffset.UtcNow", "Task.Delay", "Thread.Sleep", "SpinWait.SpinUntil",
    ];

    private static readonly string[] s_clocks = ["Timer", "PeriodicTimer", "Stopwatch"];

    private static readonly Dictionary<string, string> s_exceptions = new()
    {
        ["HubClock.cs: Stopwatch.GetElapsedTime"] = "the system's time itself, where the provider is the system's",
        ["HubLoop.cs: Environment.TickCount64"] = "how often the system is asked for sockets while tasks run: a cost, not a time",
        ["BlockedWaitReports.cs: Environment.TickCount64"] = "how many stacks are looked at in a second: a cost, not a time",
        ["OffloadScheduler.cs: Environment.TickCount64"] = "how often the system is asked for a thread that it refused",
        ["HubLoop.Timing.cs: Stopwatch.GetTimestamp"] = "what the meter tells: real times",
        ["HubTiming.cs: Stopwatch.GetTimestamp"] = "what the meter tells: real times",
        ["HubTiming.cs: Stopwatch.GetElapsedTime"] = "what the meter tells: real times",
        ["HubInspection.cs: Stopwatch.GetTimestamp"] = "what a tool outside is told: real times",
        ["HubInspection.cs: Stopwatch.GetElapsedTime"] = "what a tool outside is told: real times",
        ["HubInspection.cs: Thread.Sleep"] = "how often a tool outside is told, on a thread of its own",
        ["HubWatchdog.cs: Stopwatch.GetElapsedTime"] = "how long a thread is really blocked",
        ["HubSynchronizationContext.cs: Environment.TickCount64"] = "a thread that really blocks, and its own limit",
        ["GreenCondition.cs: Thread.Sleep"] = "a stack that cannot be left blocks its thread",
        ["TransportHubs.cs: Timer"] = "how long a hub's thread is really blocked",
        ["TransportHub.cs: Stopwatch.GetTimestamp"] = "how long a hub's thread is really blocked, or busy",
        ["TransportHub.cs: Stopwatch.GetElapsedTime"] = "how long a hub's thread is really blocked, or busy",
        ["GreenletListener.cs: Task.Delay"] = "how often the system is asked for a connection that it refused",
        ["GreenTestTime.cs: Task.Delay"] = "finds out how .NET's delays look to a provider; nobody waits for these",
    };

    [Fact]
    public void Nothing_else_reads_a_clock()
    {
        string[] files = [.. new[] { "Cooperative", "AspNetCore" }
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Repository", folder), "*.cs", SearchOption.AllDirectories))];
        Assert.InRange(files.Length, 100, 500);
        HashSet<string> found = [.. files.SelectMany(file => Uses(File.ReadAllText(file)).Select(use => $"{Path.GetFileName(file)}: {use}"))];
        Assert.Empty(found.Except(s_exceptions.Keys));
        Assert.Empty(s_exceptions.Keys.Except(found));
    }

    [Theory]
    [InlineData("long now = System.Diagnostics.Stopwatch.GetTimestamp();", "Stopwatch.GetTimestamp")]
    [InlineData("var now = DateTime.UtcNow;", "DateTime.UtcNow")]
    [InlineData("Task.Delay(span);", "Task.Delay")]
    [InlineData("Task.Delay(span, token);", "Task.Delay")]
    [InlineData("Task.Delay(span, provider);", "")]
    [InlineData("var source = new CancellationTokenSource(TimeSpan.FromSeconds(1));", "CancellationTokenSource")]
    [InlineData("CancellationTokenSource source = new(span);", "CancellationTokenSource")]
    [InlineData("CancellationTokenSource source = new();", "")]
    [InlineData("using Timer timer = new(callback);", "Timer")]
    [InlineData("source.CancelAfter(5);", "CancelAfter")]
    [InlineData("task.WaitAsync(TimeSpan.FromSeconds(1));", "WaitAsync")]
    [InlineData("task.WaitAsync(token);", "")]
    public void A_clock_is_recognized(string statement, string use) =>
        Assert.Equal(use.Length == 0 ? [] : [use], Uses($"class C {{ void M() {{ {statement} }} }}").Distinct());

    private static IEnumerable<string> Uses(string text)
    {
        foreach (SyntaxNode node in CSharpSyntaxTree.ParseText(text).GetRoot().DescendantNodes())
        {
            string? use = node switch
            {
                MemberAccessExpressionSyntax member => OfMember(member),
                ObjectCreationExpressionSyntax creation => OfCreation(Last(creation.Type), creation.ArgumentList),
                ImplicitObjectCreationExpressionSyntax creation => OfCreation(DeclaredType(creation), creation.ArgumentList),
                _ => null,
            };
            if (use is not null)
            {
                yield return use;
            }
        }
    }

    private static string? OfMember(MemberAccessExpressionSyntax member)
    {
        string name = member.Name.Identifier.Text;
        SeparatedSyntaxList<ArgumentSyntax>? arguments = (member.Parent as InvocationExpressionSyntax)?.ArgumentList.Arguments;
        string full = $"{Last(member.Expression)}.{name}";
        return name == "CancelAfter" ? name
            : name == "WaitAsync" && (arguments?.Any(each => each.ToString().Contains("TimeSpan", StringComparison.Ordinal)) ?? false) ? name
            : full == "Task.Delay" && (arguments?.Any(each => each.ToString().Contains("rovider", StringComparison.Ordinal)) ?? false) ? null
            : s_members.Contains(full) ? full : null;
    }

    private static string? OfCreation(string type, ArgumentListSyntax? arguments) =>
        s_clocks.Contains(type) ? type
        : type == "CancellationTokenSource" && arguments is { Arguments.Count: 1 } ? type : null;

    private static string DeclaredType(ImplicitObjectCreationExpressionSyntax creation) =>
        creation.FirstAncestorOrSelf<VariableDeclarationSyntax>() is { } declaration ? Last(declaration.Type)
        : creation.FirstAncestorOrSelf<PropertyDeclarationSyntax>() is { } property ? Last(property.Type) : string.Empty;

    private static string Last(SyntaxNode node) => node.ToString().TrimEnd('?').Split('.')[^1];
}
