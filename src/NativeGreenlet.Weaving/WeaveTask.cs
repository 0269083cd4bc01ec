using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace NativeGreenlet.Weaving;

/// <summary>Weaves assemblies in a build; the targets of the package call it.</summary>
/// <example><code>
/// &lt;ItemGroup&gt;
///   &lt;PackageReference Include="NativeGreenlet.Weaving" Version="..." /&gt;
///   &lt;GreenletWeave Include="Npgsql;MySqlConnector" /&gt;
/// &lt;/ItemGroup&gt;
/// </code></example>
public sealed class WeaveTask : Microsoft.Build.Utilities.Task
{
    private const string RuntimeName = "NativeGreenlet.Weaving.Runtime";

    /// <summary>Gets or sets the names of the assemblies to weave.</summary>
    [Required]
    public ITaskItem[] Names { get; set; } = [];

    /// <summary>Gets or sets the files of the program, among which they are.</summary>
    [Required]
    public ITaskItem[] Files { get; set; } = [];

    /// <summary>Gets or sets the files that the compiler refers to.</summary>
    public ITaskItem[] References { get; set; } = [];

    /// <summary>Gets or sets the names of assemblies that have twins of the user's.</summary>
    public ITaskItem[] Twins { get; set; } = [];

    /// <summary>Gets or sets the folder of the woven assemblies and of the reports.</summary>
    [Required]
    public string Folder { get; set; } = string.Empty;

    /// <summary>Gets or sets a value indicating whether the assembly is the project's own, which is woven where it lies.</summary>
    public bool IsProject { get; set; }

    /// <summary>Gets or sets a value indicating whether values of threads become those of greenlets in the assemblies, but for those whose
    /// metadata <c>ThreadLocals</c> says otherwise.</summary>
    public bool ThreadLocals { get; set; }

    /// <summary>Gets or sets the files of assemblies that were woven before, for the project.</summary>
    public ITaskItem[] WovenBefore { get; set; } = [];

    /// <summary>Gets or sets a value indicating whether code that nobody sees here may use fields of the assemblies: of those that use the
    /// project, or of the project while its references are woven.</summary>
    public bool HasUnknownCode { get; set; }

    /// <summary>Gets or sets the file that changes with the options.</summary>
    public string? Options { get; set; }

    /// <summary>Gets what is replaced.</summary>
    [Output]
    public ITaskItem[] Replaced { get; private set; } = [];

    /// <summary>Gets what replaces it.</summary>
    [Output]
    public ITaskItem[] Woven { get; private set; } = [];

    /// <summary>Weaves what is not up to date.</summary>
    /// <returns>Whether it did without an error.</returns>
    public override bool Execute()
    {
        try
        {
            Weave();
        }
        catch (WeaveException exception)
        {
            Log.LogError(null, "NGW001", null, null, 0, 0, 0, 0, exception.Message);
        }

        return !Log.HasLoggedErrors;
    }

    private static string NameOf(ITaskItem item)
    {
        string name = Path.GetFileName(item.ItemSpec);
        return name.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? name[..^4] : name;
    }

    private static bool IsNamed(ITaskItem file, string name, string extension) =>
        Path.GetExtension(file.ItemSpec).Equals(extension, StringComparison.OrdinalIgnoreCase)
        && Path.GetFileNameWithoutExtension(file.ItemSpec).Equals(name, StringComparison.OrdinalIgnoreCase)
        && !file.GetMetadata("AssetType").Equals("resources", StringComparison.OrdinalIgnoreCase);

    private void Weave()
    {
        List<ITaskItem> replaced = [];
        List<ITaskItem> woven = [];
        string runtime = Find(RuntimeName) ?? throw new WeaveException(
            $"The project does not refer to {RuntimeName}. Refer to the package NativeGreenlet.Weaving without PrivateAssets or ExcludeAssets.");
        string[] twins = [.. Twins.Select(item => Find(NameOf(item)) ?? throw new WeaveException(
            $"GreenletWeaveTwins names {item.ItemSpec}, which the project does not refer to."))];
        using AssemblyWeaver weaver = new(runtime, twins, Assemblies(WovenBefore.Concat(Files).Concat(References)), Program());
        foreach (string name in Names.Select(NameOf).Distinct(StringComparer.OrdinalIgnoreCase))
        {
            ITaskItem file = Array.Find(Files, file => IsNamed(file, name, ".dll")) ?? throw new WeaveException(Unknown(name));
            string output = Path.Combine(Folder, $"{name}.dll");
            if (IsProject)
            {
                WeaveProject(weaver, file.ItemSpec, output, name);
                continue;
            }

            // A publish may be given what the build wove, where the build put it.
            bool isOutput = Path.GetFullPath(file.ItemSpec) == Path.GetFullPath(output);

            // A field is rewritten wherever it is used, or nowhere: so then any assembly counts.
            if (!isOutput && !IsUpToDate(output, [file.ItemSpec, runtime, .. twins, .. Options is null ? [] : new[] { Options }, .. Array.Exists(Names, HasThreadLocals) ? Assemblies(Files) : []]))
            {
                WeaveOne(weaver, file.ItemSpec, output, name);
            }

            Replace(file, output);
            ITaskItem? symbols = Array.Find(Files, file => IsNamed(file, name, ".pdb"));
            string newSymbols = Path.ChangeExtension(output, ".pdb");
            if (symbols is not null && File.Exists(newSymbols))
            {
                Replace(symbols, newSymbols);
            }
        }

        Replaced = [.. replaced];
        Woven = [.. woven];

        void Replace(ITaskItem old, string file)
        {
            TaskItem item = new(file);
            old.CopyMetadataTo(item);
            replaced.Add(old);
            woven.Add(item);
        }
    }

    private static IEnumerable<string> Assemblies(IEnumerable<ITaskItem> files) =>
        files.Select(item => item.ItemSpec).Where(file => file.EndsWith(".dll", StringComparison.OrdinalIgnoreCase));

    private bool HasThreadLocals(ITaskItem name) => bool.TryParse(name.GetMetadata(nameof(ThreadLocals)), out bool own) ? own : ThreadLocals;

    private WovenProgram Program()
    {
        HashSet<string> names = new(Names.Where(HasThreadLocals).Select(NameOf), StringComparer.OrdinalIgnoreCase);
        string? unknown = !HasUnknownCode ? null
            : IsProject ? "Code outside of the assembly may use its field. Weave the assembly in the project of the application, with all that uses the field."
            : "Code of the project may use its field, and is not woven. Set GreenletWeaveProject.";
        return new WovenProgram(names, [.. Assemblies(Files).Where(file => !names.Contains(Path.GetFileNameWithoutExtension(file)))], unknown);
    }

    private string Unknown(string name) =>
        $"GreenletWeave names {name}, which is not among the files that the project copies to its output. "
        + "Name assemblies without version, as their files are called; weave in the project of the application; assemblies of the shared framework cannot be woven. "
        + $"There are: {string.Join(", ", Files.Where(file => file.ItemSpec.EndsWith(".dll", StringComparison.OrdinalIgnoreCase)).Select(NameOf).Distinct().Order(StringComparer.Ordinal).Take(40))}.";

    private string? Find(string name) => Files.Concat(References).FirstOrDefault(file => IsNamed(file, name, ".dll"))?.ItemSpec;

    private static bool IsUpToDate(string output, IEnumerable<string> inputs)
    {
        FileInfo file = new(output);
        return file.Exists && inputs.Append(typeof(WeaveTask).Assembly.Location).All(input => File.GetLastWriteTimeUtc(input) <= file.LastWriteTimeUtc);
    }

    // The compiler writes it where it stays; what it was before is kept, in case that the twins change.
    private void WeaveProject(AssemblyWeaver weaver, string file, string copy, string name)
    {
        string symbols = Path.ChangeExtension(file, ".pdb");
        string copyOfSymbols = Path.ChangeExtension(copy, ".pdb");
        if (!AssemblyWeaver.IsWoven(file))
        {
            Directory.CreateDirectory(Folder);
            File.Copy(file, copy, overwrite: true);
            if (File.Exists(symbols))
            {
                File.Copy(symbols, copyOfSymbols, overwrite: true);
            }
        }
        else if (!File.Exists(copy))
        {
            throw new WeaveException($"{file} is woven, and there is no copy of what it was before. Build again: dotnet build --no-incremental.");
        }

        WeaveOne(weaver, copy, file, name);
    }

    private void WeaveOne(AssemblyWeaver weaver, string input, string output, string name)
    {
        Directory.CreateDirectory(Folder);
        bool threadLocals = Array.Exists(Names, item => HasThreadLocals(item) && NameOf(item).Equals(name, StringComparison.OrdinalIgnoreCase));
        WeaveReport report = weaver.Weave(input, output, threadLocals) ?? throw new WeaveException($"{name} is woven already. Do not name it in GreenletWeave.");
        string file = Path.Combine(Folder, $"{name}.weave.txt");
        File.WriteAllText(file, report.ToString());
        Log.LogMessage(MessageImportance.High, $"{name}: {report.Rewritten} blocking calls rewritten, {report.Kept} seen and not rewritten: {file}");
    }
}
