using System.CommandLine;
using NativeGreenlet.Weaving;

Argument<FileInfo[]> files = new("files") { Description = "The assemblies to weave.", Arity = ArgumentArity.OneOrMore };
Option<DirectoryInfo> output = new("--output", "-o")
{
    Description = "The folder of the woven assemblies, of their symbols and reports.",
    Required = true,
};
Option<FileSystemInfo[]> references = new("--reference", "-r") { Description = "Assemblies that they refer to, or folders of such; the runtime's own are known.", DefaultValueFactory = _ => [] };
Option<FileInfo[]> twins = new("--twins") { Description = "Assemblies that have twins of yours.", DefaultValueFactory = _ => [] };
Option<bool> threadLocals = new("--thread-locals") { Description = "Values of threads ([ThreadStatic], ThreadLocal) become those of greenlets inside of tasks." };
RootCommand root = new("Rewrites blocking calls in assemblies, so that they park a greenlet instead of blocking its thread.") { files, output, references, twins, threadLocals };
root.SetAction(result =>
{
    try
    {
        return Weave(result.GetRequiredValue(files), result.GetRequiredValue(output), result.GetRequiredValue(references), result.GetRequiredValue(twins), result.GetValue(threadLocals));
    }
    catch (Exception exception) when (exception is WeaveException or IOException or UnauthorizedAccessException)
    {
        Console.Error.WriteLine($"greenlet-weave: {exception.Message}");
        return 1;
    }
});
return root.Parse(args).Invoke();

static int Weave(FileInfo[] files, DirectoryInfo output, FileSystemInfo[] references, FileInfo[] twins, bool threadLocals)
{
    string[] program = [.. references.SelectMany(reference => Directory.Exists(reference.FullName) ? Directory.GetFiles(reference.FullName, "*.dll") : [reference.FullName])
        .Concat(files.SelectMany(file => Directory.GetFiles(file.DirectoryName!, "*.dll"))).Distinct()];
    IEnumerable<string> known = program.Concat(((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator));
    HashSet<string> names = new(threadLocals ? files.Select(file => Path.GetFileNameWithoutExtension(file.Name)) : [], StringComparer.OrdinalIgnoreCase);
    WovenProgram scope = new(names, [.. program.Where(file => !names.Contains(Path.GetFileNameWithoutExtension(file)))], Unknown: null);
    string runtime = Path.Combine(AppContext.BaseDirectory, "NativeGreenlet.Weaving.Runtime.dll");
    using AssemblyWeaver weaver = new(runtime, twins.Select(file => file.FullName), known, scope);
    foreach (FileInfo file in files)
    {
        string target = Path.Combine(output.FullName, file.Name);
        if (weaver.Weave(file.FullName, target, threadLocals) is not { } report)
        {
            Console.WriteLine($"{file.Name} is woven already");
            continue;
        }

        string text = Path.Combine(output.FullName, $"{Path.GetFileNameWithoutExtension(file.Name)}.weave.txt");
        File.WriteAllText(text, report.ToString());
        Console.WriteLine($"{file.Name}: {report.Rewritten} blocking calls rewritten, {report.Kept} seen and not rewritten: {text}");
    }

    return 0;
}
