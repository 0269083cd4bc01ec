using System.Reflection;

namespace NativeGreenlet.Cooperative.Tests.Architecture;

/// <summary>Every public method that can park has a form with a <see cref="CancellationToken"/>, or a reason why it has none. A method
/// that is added must take a token, or be listed here.</summary>
public class TokenTests
{
    private const string OfStream = "its signature is that of Stream; Read, Write and Flush have forms with a token";
    private const string Cleanup = "it is a cleanup, which must be begun in any case; its time limits the wait";
    private const string Caller = "what waits is the caller's function, which has its own token";
    private const string Objects = "tasks are objects to wait for: the form for these takes a token";
    private const string NoWait = "without a time it does not wait";

    // Methods that never park, by type.
    private static readonly Dictionary<string, string> s_quick = new()
    {
        ["GreenAsyncEnumerable"] = "RunInHub",
        ["GreenBarrier"] = "AddParticipant RemoveParticipant",
        ["GreenBroadcast`1"] = "Complete Send Subscribe",
        ["GreenChannel`1"] = "Complete",
        ["GreenCompletionSource`1"] = "SetException SetResult TryCancel TrySetException TrySetResult",
        ["GreenCondition"] = "Pulse PulseAll Signal SignalAll",
        ["GreenCountdown"] = "Add AddCount Signal",
        ["GreenEvent"] = "Clear Reset Set",
        ["GreenLock"] = "Exit",
        ["GreenNursery"] = "Cancel Spawn",
        ["GreenPeriodicTimer"] = "Dispose",
        ["GreenProgress`1"] = "Report",
        ["GreenQueue`1"] = "Complete TaskDone",
        ["GreenSelect"] = "After Await Default Disable Enable Enter Peek Receive Send Wait",
        ["GreenSemaphore"] = "Release",
        ["GreenSignal"] = "Set",
        ["GreenSocket"] = "Bind Dispose GetStream Listen Shutdown",
        ["GreenStream"] = "BeginRead BeginWrite Seek SetLength",
        ["GreenTask"] = "AskGate AsTask GetAwaiter OnCompleted",
        ["GreenTask`1"] = "AsTask GetAwaiter",
        ["GreenTcpServer"] = "Start",
        ["GreenTestTime"] = "Advance CreateTimer GetTimestamp GetUtcNow",
        ["GreenTimeout"] = "Dispose Owns",
        ["GreenWatch`1"] = "Complete Set Update Watch",
        ["Hub"] = "Dump OnSignal Post Spawn SpawnLater Start",
        ["HubSocketEvents"] = "Detach Dispose TryAttach",
        ["GreenProcessResult"] = "Deconstruct",
        ["HubWatchdog"] = "Dispose Start",
    };

    // Methods that can park and take no token, and why.
    private static readonly Dictionary<string, string> s_without = new()
    {
        ["GreenNursery.Dispose"] = Cleanup,
        ["GreenPool.Kill"] = Cleanup,
        ["GreenTask.Kill"] = Cleanup,
        ["GreenTcpServer.Dispose"] = Cleanup,
        ["GreenTcpServer.Stop"] = Cleanup,
        ["Hub.Dispose"] = Cleanup,
        ["HubPool.Dispose"] = Cleanup,
        ["Hub.Run"] = "it is called outside of hubs; RunAsync takes a token",
        ["Hub.Yield"] = "it ends by itself, when the others have had their turn",
        ["GreenStream.ReadByte"] = OfStream,
        ["GreenStream.WriteByte"] = OfStream,
        ["GreenStream.EndRead"] = OfStream,
        ["GreenStream.EndWrite"] = OfStream,
        ["GreenTimeout.TryRun"] = Caller,
        ["GreenTimeout.Run"] = Caller,
    };

    // Forms that can park and have none of the same parameters and a token, though another form has one.
    private static readonly Dictionary<string, string> s_forms = new()
    {
        ["Hub.WaitAll(System.ReadOnlySpan`1[NativeGreenlet.Cooperative.GreenTask])"] = Objects,
        ["Hub.WaitAll(System.Collections.Generic.IEnumerable`1[NativeGreenlet.Cooperative.GreenTask])"] = Objects,
        ["Hub.WaitAll(NativeGreenlet.Cooperative.IGreenWaitable[])"] = Objects,
        ["Hub.WaitAny(System.ReadOnlySpan`1[NativeGreenlet.Cooperative.GreenTask])"] = Objects,
        ["Hub.WaitAny(System.Collections.Generic.IEnumerable`1[NativeGreenlet.Cooperative.GreenTask])"] = Objects,
        ["Hub.WaitAny(NativeGreenlet.Cooperative.IGreenWaitable[])"] = Objects,
        ["GreenStream.Read(System.Byte[], System.Int32, System.Int32)"] = OfStream,
        ["GreenStream.Write(System.Byte[], System.Int32, System.Int32)"] = OfStream,
        ["GreenQueue`1.TryGet(T&)"] = NoWait,
        ["GreenQueue`1.TryPeek(T&)"] = NoWait,
        ["GreenSubscription`1.TryReceive(T&)"] = NoWait,
    };

    [Fact]
    public void Every_method_that_can_park_takes_a_token()
    {
        HashSet<string> needless = [.. s_without.Keys, .. s_forms.Keys];
        List<string> missing = [];
        foreach (IGrouping<string, MethodInfo> group in Methods().GroupBy(method => $"{method.DeclaringType!.Name}.{method.Name}"))
        {
            MethodInfo[] forms = [.. group];
            if (Array.TrueForAll(forms, IsQuick) || s_without.ContainsKey(group.Key))
            {
                needless.Remove(group.Key);
                continue;
            }

            string[][] withToken = [.. forms.Where(TakesToken).Select(form => Parameters(form, withToken: false))];
            foreach (MethodInfo form in forms.Where(form => !TakesToken(form) && !withToken.Any(other => other.SequenceEqual(Parameters(form, withToken: true)))))
            {
                string text = $"{group.Key}({string.Join(", ", Parameters(form, withToken: true))})";
                needless.Remove(text);
                if (!s_forms.ContainsKey(text))
                {
                    missing.Add(text);
                }
            }
        }

        Assert.True(missing.Count == 0, string.Join('\n', missing));
        Assert.Empty(needless);
    }

    /// <summary>The word, and the place: last, but for what comes back by <c>out</c>.</summary>
    [Fact]
    public void A_token_is_the_last_parameter_and_named_so()
    {
        string[] others = [.. from method in Methods()
                              where TakesToken(method)
                              let parameters = method.GetParameters()
                              let index = Array.FindIndex(parameters, IsToken)
                              where parameters[index].Name != "cancellationToken" || parameters.Skip(index + 1).Any(parameter => !parameter.IsOut)
                              select $"{method.DeclaringType!.Name}.{method.Name}"];
        Assert.Empty(others);
    }

    private static IEnumerable<MethodInfo> Methods() =>
        from type in typeof(Hub).Assembly.GetExportedTypes()
        where !typeof(Exception).IsAssignableFrom(type) && !typeof(EventArgs).IsAssignableFrom(type) && !type.IsInterface && !type.IsNested && !type.IsEnum
        from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
        where !method.IsSpecialName && method.Name is not (nameof(ToString) or nameof(Equals) or nameof(GetHashCode)) && !method.Name.StartsWith('<')
        where !typeof(Task).IsAssignableFrom(method.ReturnType) && method.ReturnType != typeof(ValueTask) // which others await
        where method.GetCustomAttribute<ObsoleteAttribute>() is not { IsError: true }
        select method;

    private static bool IsQuick(MethodInfo method) =>
        s_quick.TryGetValue(method.DeclaringType!.Name, out string? names) && names.Split(' ').Contains(method.Name);

    private static bool TakesToken(MethodInfo method) => Array.Exists(method.GetParameters(), IsToken);

    private static bool IsToken(ParameterInfo parameter) => parameter.ParameterType == typeof(CancellationToken);

    private static string[] Parameters(MethodInfo method, bool withToken) =>
        [.. method.GetParameters().Where(parameter => withToken || !IsToken(parameter)).Select(parameter => parameter.ParameterType.ToString())];
}
