using Mono.Cecil;

namespace NativeGreenlet.Weaving.Tests;

/// <summary>The table of rewrites, which is read from the library of twins.</summary>
public class TableTests
{
    // Overloads that do not wait, or whose wait is said not to be woven in Kept.txt.
    private static readonly string[] s_withoutTwin =
    [
        "System.Console::ReadLine", "System.IO.Pipes.NamedPipeClientStream::Connect",
        "System.Net.Security.SslStream::AuthenticateAsServer", "System.Net.Sockets.Socket::SendTo", "System.Net.Sockets.Socket::ReceiveFrom", "System.Net.Sockets.Socket::SendFile",
        "System.Net.Sockets.TcpClient::.ctor", "System.Threading.Thread::SpinWait",
    ];

    [Fact]
    public void Every_twin_has_an_original_with_the_same_result()
    {
        using References references = Read(out ModuleDefinition module);
        TwinTable table = new();
        table.Add(module, threadLocals: true);
        List<string> wrong = [];
        foreach ((string signature, Twin twin) in table.Twins)
        {
            TypeDefinition type = twin.Original.Resolve();
            MethodDefinition? original = type.Methods.FirstOrDefault(method => method.IsPublic && Signature.Of(type, method) == signature);
            if (original is null)
            {
                wrong.Add($"{signature} does not exist");
            }
            else if (!original.IsConstructor && Result(original, null) != Result(twin.Method, twin.Arity))
            {
                wrong.Add($"{signature} returns {Result(original, null)}, its twin {Result(twin.Method, twin.Arity)}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.InRange(table.Twins.Count, 200, 1000);
    }

    [Fact]
    public void Every_overload_of_what_has_a_twin_has_one()
    {
        using References references = Read(out ModuleDefinition module);
        TwinTable table = new();
        table.Add(module, threadLocals: true);
        List<string> missing = [];
        foreach (TypeDefinition type in table.Twins.Values.Select(twin => twin.Original.Resolve()).Distinct())
        {
            missing.AddRange(type.Methods
                .Where(method => method.IsPublic && table.HasMember(type, method.Name) && !table.TryFind(type, method, out _))
                .Where(method => !s_withoutTwin.Contains($"{type.FullName}::{method.Name}"))
                .Select(method => Signature.Of(type, method)));
        }

        Assert.True(missing.Count == 0, string.Join('\n', missing));
    }

    private static References Read(out ModuleDefinition module)
    {
        string runtime = typeof(GreenletTwinAttribute).Assembly.Location;
        string[] files = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        References references = new(files);
        module = ModuleDefinition.ReadModule(runtime, new ReaderParameters { AssemblyResolver = references, InMemory = true });
        return references;
    }

    private static string Result(MethodReference method, int? arity) =>
        Signature.Of(method.Module.TypeSystem.Object, "result", hasThis: false, [method.ReturnType], arity);
}
