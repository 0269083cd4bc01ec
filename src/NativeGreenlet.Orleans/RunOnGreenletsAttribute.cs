namespace NativeGreenlet.Orleans;

/// <summary>Marks a grain class, or methods of one, whose calls run on the silo's hubs: they are written in blocking style, wait by
/// <c>Hub.Await</c>, <c>Hub.Sleep</c> and the like at any depth of calls, and hold no thread meanwhile.</summary>
/// <remarks>The method has the signature of its interface. What it calls has any: nothing below it needs to return a <see cref="Task"/>.
/// Methods of a class that has the attribute and return an <c>IAsyncEnumerable</c> run as ever.</remarks>
/// <example><code>
/// public interface IGreeter : IGrainWithIntegerKey
/// {
///     Task&lt;string&gt; Greet(string name);
/// }
///
/// [RunOnGreenlets]
/// public sealed class Greeter : Grain, IGreeter
/// {
///     public Task&lt;string&gt; Greet(string name) => Task.FromResult(MakeGreeting(name));
///
///     private static string MakeGreeting(string name)
///     {
///         Hub.Sleep(TimeSpan.FromSeconds(1)); // no thread is held, and no other call gets in between
///         return $"Hello, {name}";
///     }
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class RunOnGreenletsAttribute : Attribute;
