"""The examples of pyxnat's documentation, with our address and names put in; each step is a section of it.

It also shows ``tags()``, ``attach()``, ``cachedir`` and files without a resource, of which pyxnat 1.6.4 has none.
"""

from pathlib import Path
from typing import NamedTuple

from pyxnat import Interface


class Reader(NamedTuple):
    central: Interface
    url: str
    password: str
    folder: Path


def _connect(url: str, password: str, folder: Path) -> Reader:
    central = Interface(server=url, user="admin", password=password)
    account = {"password": password, "firstName": "A", "lastName": "Friend", "enabled": True, "verified": True}
    for login in ("my_friend", "my_other_friend"):
        central.post(
            "/xapi/users", json={**account, "username": login, "email": f"{login}@example.org"}
        ).raise_for_status()
    return Reader(central, url, password, folder)


def getting_started(reader: Reader) -> None:
    reader.central.save_config(str(reader.folder / "central.cfg"))
    central2 = Interface(config=str(reader.folder / "central.cfg"))
    assert isinstance(central2.select.projects().get(), list)


def data_selection(reader: Reader) -> None:
    interface = reader.central
    interface.select("/project/CENTRAL_OASIS_CS").create()
    for number in ("000055203542", "000055982442", "000000001274"):
        interface.select(f"/project/IMAGEN/subject/IMAGEN_{number}").create(use_label=True)

    assert "CENTRAL_OASIS_CS" in interface.select.projects().get()
    assert "CENTRAL_OASIS_CS" in interface.select("/projects").get()
    for nested in (
        interface.select.projects().subjects(),
        interface.select("/projects/*/subjects"),
        interface.select("/projects/subjects"),
        interface.select("//subjects"),
    ):
        assert "IMAGEN_000000001274" in nested.get()
    assert interface.select.projects("*OASIS_CS*").get() == ["CENTRAL_OASIS_CS"]
    assert interface.select("/projects/*OASIS_CS*").get() == ["CENTRAL_OASIS_CS"]
    wanted = ["IMAGEN_000055203542", "IMAGEN_000055982442"]
    assert sorted(interface.select.project("IMAGEN").subjects("*55*42*").get()) == wanted
    assert sorted(interface.select("/projects/IMAGEN/subjects/*55*42*").get()) == wanted


def resources_paths(reader: Reader) -> None:
    select = reader.central.select
    experiment = select("/project/IMAGEN2/subject/IMAGEN_000000000002/experiment/IMAGEN_MR").create(use_label=True)
    experiment.assessor("IMAGEN_QC").create(assessors="xnat:qcAssessmentData", use_label=True)
    experiment.assessor("IMAGEN_QC").out_resource("OUT").file("report.txt").put("text")

    assert select("/project/IMAGEN2/subject/IMAGEN_000000000002").exists()
    assert select("/projects/IMAGEN2/subjects/IMAGEN_000000000002").exists()
    assert select("/project/IMAGEN2/subject/IMAGEN_000000000002/experiments").get() == ["IMAGEN_MR"]
    assert select("/project/IMAGEN2/subjects/IMAGEN_000000000002/experiment").get() == ["IMAGEN_MR"]
    for path in ("/projects/*/subjects/*/experiments/*", "/projects/subjects/experiments", "//experiments"):
        assert "IMAGEN_MR" in select(path).get(), path
    assert select("/project/IMAGEN2//experiments").get() == ["IMAGEN_MR"]
    assert select("/project/IMAGEN2/subjects/*/experiments").get() == ["IMAGEN_MR"]
    assert "IMAGEN_QC" in select("//subjects//assessors").get()
    assert "report.txt" in select("//subjects//assessors//files").get()


def resources_operations(reader: Reader) -> None:
    central = reader.central
    my_project = central.select.project("my_project")
    assert not my_project.exists()
    my_project.insert()
    assert my_project.exists()
    subject = my_project.subject("first_subject")
    subject.insert()
    subject.delete()
    assert not subject.exists()

    subject.create()
    subject.experiment("pet_session").create(experiments="xnat:petSessionData")
    assert not central.select("/project/PROJECT/subject/SUBJECT").exists()
    assert not central.select("/project/PROJECT/subject/SUBJECT/experiment/EXP").exists()
    scan = central.select("/project/PROJECT/subject/SUBJECT/experiment/EXP/scan/SCAN")
    scan.create(experiments="xnat:mrSessionData", scans="xnat:mrScanData")
    assert scan.exists()
    assert central.select("/project/PROJECT/subject/SUBJECT/experiment/EXP2/scan/SCAN").create().exists()


def additional_fields_at_creation(reader: Reader) -> None:
    select = reader.central.select
    first = select("/project/PROJECT/subject/SUBJECT/experiment/EXP3")
    first.create(experiments="xnat:mrSessionData", ID="my_custom_ID")
    assert first.id() == "my_custom_ID"
    second = select("/project/PROJECT/subject/SUBJECT2/experiment/EXP4")
    second.create(
        **{
            "experiments": "xnat:mrSessionData",
            "ID": "mr_custom_ID",
            "xnat:mrSessionData/age": "42",
            "xnat:subjectData/investigator/lastname": "doe",
            "xnat:subjectData/investigator/firstname": "john",
            "xnat:subjectData/ID": "subj_custom_ID",
        }
    )
    assert (second.id(), second.parent().id()) == ("mr_custom_ID", "subj_custom_ID")


def file_support(reader: Reader) -> None:
    my_project = reader.central.select.project("volatile").create()
    image = reader.folder / "image.nii"
    image.write_bytes(bytes(range(256)) * 383 + b"-" * 50)
    assert my_project.resources().files().get() == []

    my_project.resource("NIFTI").file("T1.nii").insert(str(image))
    my_project.resource("NIFTI").file("image.nii").put(str(image), content="T1", format="NIFTI", tags="image test")

    file = my_project.resource("NIFTI").file("image.nii")
    assert (file.size(), file.content(), file.format(), file.labels()) == ("98098", "T1", "NIFTI", "image test")
    assert Path(file.get()).read_bytes() == image.read_bytes()
    assert Path(file.get_copy(str(reader.folder / "test.nii"))).read_bytes() == image.read_bytes()
    for name in ("image.hdr", "image.img"):
        my_project.resource("ANALYZE").file(name).put(str(image))
    assert sorted(resource.label() for resource in my_project.resources()) == ["ANALYZE", "NIFTI"]
    assert my_project.resource("ANALYZE").files().get() == ["image.hdr", "image.img"]


def attributes_support(reader: Reader) -> None:
    my_project = reader.central.select.project("attributed").create()
    my_project.attrs.set("secondary_ID", "myproject")
    assert my_project.attrs.get("secondary_ID") == "myproject"
    my_project.attrs.set("xnat:projectData/keywords", "test project")
    assert my_project.attrs.get("xnat:projectData/keywords") == "test project"
    my_project.attrs.mset({"xnat:projectData/keywords": "test project", "secondary_ID": "myproject"})
    assert my_project.attrs.mget(["xnat:projectData/keywords", "secondary_ID"]) == ["test project", "myproject"]


def the_search_engine(reader: Reader) -> None:
    interface = reader.central
    for number, age in (("1", "13"), ("2", "15")):
        interface.select(f"/project/searched/subject/SE{number}").create(use_label=True, age=age)
        interface.select(f"/project/searched/subject/SE{number}/experiment/SE_MR{number}").create(use_label=True)
    interface.select("/project/searched_too/subject/SE3").create(use_label=True, age="99")
    constraints = [
        ("xnat:subjectData/SUBJECT_ID", "LIKE", "SE%"),
        ("xnat:subjectData/PROJECT", "=", "searched"),
        "AND",
        [("xnat:subjectData/AGE", ">", "14"), "AND"],
    ]
    columns = ["xnat:subjectData/SUBJECT_ID", "xnat:subjectData/AGE"]

    assert [experiment.id() for experiment in interface.select("//experiments").where(constraints)] == ["SE_MR2"]
    found = interface.select("xnat:subjectData", columns).where(constraints)
    assert [row["subject_id"] for row in found] == ["SE2"], found.data
    assert len(interface.select("xnat:subjectData", columns).all().data) >= 3
    assert len(interface.select("xnat:subjectData").all().data) >= 3


def searchable_types_and_fields(reader: Reader) -> None:
    central = reader.central
    central.select("/project/searchable/subject/S1/experiment/E1").create()
    assert {"xnat:subjectData", "xnat:projectData", "xnat:mrSessionData"} <= set(central.inspect.datatypes())
    assert central.inspect.datatypes("cnda:*") == []
    fields = {"SUBJECT_ID", "INSERT_DATE", "INSERT_USER", "GENDER_TEXT"}
    assert {f"xnat:subjectData/{field}" for field in fields} <= set(central.inspect.datatypes("xnat:subjectData"))
    some = central.inspect.datatypes("xnat:subjectData", "*ID*")
    assert {"xnat:subjectData/SUBJECT_ID", "xnat:subjectData/ADD_IDS"} <= set(some)
    assert "xnat:mrSessionData/EXPT_ID" in central.inspect.datatypes("xnat:mr*", "EXPT_ID")
    assert central.inspect.field_values("xnat:mrSessionData/SESSION_ID")
    central.inspect.structure()


def naming_conventions(reader: Reader) -> None:
    central = reader.central
    central.inspect.set_autolearn(tick=10)
    central.select("/project/named/subject/S1/experiment/SessionA_1").create(experiments="xnat:petSessionData")
    central.select("/project/named//experiments").get()

    assert "xnat:petSessionData" in central.inspect.experiment_types()
    for types in (central.inspect.assessor_types, central.inspect.scan_types, central.inspect.reconstruction_types):
        assert isinstance(types(), list)


def sharing(reader: Reader) -> None:
    interface = reader.central
    interface.select("/project/project2").create()
    subject = interface.select("/project/project1/subject/subject1").create()
    subject.share("project2")
    assert subject.shares().get() == ["project1", "project2"]
    subject.unshare("project2")

    subjects = interface.select("/project/project1/subjects")
    subjects.share("project2")
    assert [one.id() for one in subjects.sharing(["project1", "project2"])] == [subject.id()]
    subjects.unshare("project2")
    assert subject.shares().get() == ["project1"]


def permission_model(reader: Reader) -> None:
    project = reader.central.select("/project/PROJ").create()
    project.set_accessibility("public")
    assert project.accessibility() == b"public"
    project.add_user("my_friend", "member")
    project.add_user("my_other_friend", "owner")
    assert (project.members(), sorted(project.owners())) == (["my_friend"], ["admin", "my_other_friend"])


def user_manager(reader: Reader) -> None:
    users = reader.central.manage.users
    assert "my_friend" in users()
    assert (users.firstname("my_friend"), users.lastname("my_friend")) == ("A", "Friend")
    assert users.id("my_friend").isdigit()
    assert users.email("my_friend") == "my_friend@example.org"


def schema_manager(reader: Reader) -> None:
    """By the address that the installed client names; the pages still have an older one."""
    central = reader.central
    central.manage.schemas.add("schemas/xnat/xnat.xsd")
    assert "xnat:mrSessionData/coil" in central.select("/project/schemed/subject/S1/experiment/E1").create().attrs()
    central.manage.schemas.remove("xnat.xsd")


def search_templates(reader: Reader) -> None:
    """Two subjects: of one alone, the client takes each letter of the ID for an ID."""
    interface = reader.central
    interface.select("/project/templated/subject/S1").create(age="43")
    interface.select("/project/templated/subject/S2").create(age="44")
    constraints = [
        ("xnat:subjectData/SUBJECT_ID", "LIKE", "subject_id"),
        ("xnat:subjectData/PROJECT", "=", "project_id"),
        "OR",
        [("xnat:subjectData/AGE", ">", "age"), "AND"],
    ]
    columns = ["xnat:subjectData/PROJECT", "xnat:subjectData/SUBJECT_ID"]
    search = interface.manage.search
    search.save_template(
        "name", "xnat:subjectData", columns, constraints, sharing="public", description="my first template"
    )
    search.save("saved_name", "xnat:subjectData", columns, [("xnat:subjectData/PROJECT", "=", "templated"), "AND"])

    assert "name" in search.saved_templates()
    assert len(list(interface.select("//subjects").where(query="saved_name"))) == 2


def provenance_definition(reader: Reader) -> None:
    element = reader.central.select("/project/proven/subject/S1/experiment/E1/assessor/A1")
    element.create(assessors="xnat:qcAssessmentData")
    step = {
        "program": "young",
        "timestamp": "2011-03-01T12:01:01.897987",
        "user": "angus",
        "machine": "war",
        "platform": "linux",
    }
    element.provenance.set(step)
    assert element.provenance.get()[0]["program"] == "young"


def xpath_store(reader: Reader) -> None:
    """``update()`` and a second ``checkout()`` of a subject fail in the client itself."""
    central = reader.central
    central.select("/project/stored/subject/CENTRAL_00001/experiment/CENTRAL_E1").create(use_label=True)
    central.xpath.checkout(project="stored")
    assert central.xpath("//xnat:Subject/attribute::ID") == ["CENTRAL_00001"]
    assert "CENTRAL_00001" in central.xpath.subjects()
    assert central.xpath.values("ID")
    assert "xnat:experiment" in central.xpath.elements()
    assert "ID" in central.xpath.element_keys("xnat:experiment")
