"""Things of every kind through pyxnat 1.6.4: made, described, found, deleted."""

from pathlib import Path

from pyxnat import Interface
from refusals import refused

LEVELS = "/project/{0}/subject/S1/experiment/MR1"


def _connect(url: str, password: str, folder: Path) -> Interface:
    archive = Interface(server=url, user="admin", password=password)
    archive.folder = folder
    return archive


def a_project_is_made_and_deleted(archive: Interface) -> None:
    project = archive.select.project("MADE")
    assert not project.exists()

    assert project.create() is project
    assert project.exists()
    assert (project.id(), project.label(), project.datatype()) == ("MADE", "MADE", "xnat:projectData")

    project.delete()
    assert not project.exists()


def parents_are_made_on_the_way(archive: Interface) -> None:
    for last, kind in (("scan/1", "scans"), ("assessor/A1", "assessors"), ("reconstruction/R1", "reconstructions")):
        element = archive.select(LEVELS.format(f"WAY_{kind}") + "/" + last)
        element.create(**({"assessors": "xnat:qcManualAssessorData"} if kind == "assessors" else {}))
        assert element.exists(), kind
        assert archive.select(LEVELS.format(f"WAY_{kind}")).exists(), kind


def each_has_the_type_it_is_given(archive: Interface) -> None:
    assessor = archive.select(LEVELS.format("TYPES") + "/assessor/A1")
    assessor.create(experiments="xnat:petSessionData", assessors="xnat:qcAssessmentData")
    session = assessor.parent()
    session.scan("1").create(scans="xnat:petScanData")

    assert assessor.datatype() == "xnat:qcAssessmentData"
    assert session.datatype() == "xnat:petSessionData"
    assert session.scan("1").datatype() == "xnat:petScanData"
    assert session.parent().datatype() == "xnat:subjectData"


def each_has_a_type_when_it_is_given_none(archive: Interface) -> None:
    scan = archive.select(LEVELS.format("DEFAULTS") + "/scan/1").create()
    reconstruction = archive.select(LEVELS.format("DEFAULTS") + "/reconstruction/R1").create()

    assert scan.datatype() == "xnat:mrScanData"
    assert scan.parent().datatype() == "xnat:mrSessionData"
    assert reconstruction.datatype() == "xnat:reconstructedImageData"


def an_id_of_ones_own(archive: Interface) -> None:
    session = archive.select(LEVELS.format("OWN_ID"))
    session.create(
        **{
            "experiments": "xnat:mrSessionData",
            "ID": "OWN_MR1",
            "xnat:mrSessionData/age": "42",
            "xnat:subjectData/investigator/lastname": "doe",
            "xnat:subjectData/investigator/firstname": "john",
            "xnat:subjectData/ID": "OWN_S1",
        }
    )

    assert (session.id(), session.label()) == ("OWN_MR1", "MR1")
    assert (session.parent().id(), session.parent().label()) == ("OWN_S1", "S1")
    assert session.attrs.get("xnat:mrSessionData/age") == "42.0"
    names = ["xnat:subjectData/investigator/firstname", "xnat:subjectData/investigator/lastname"]
    assert session.parent().attrs.mget(names) == ["john", "doe"]
    assert archive.select.experiment("OWN_MR1").exists()


def the_label_as_id(archive: Interface) -> None:
    session = archive.select("/project/LABELS/subject/LABEL_S1/experiment/LABEL_MR1").create(use_label=True)
    session.assessor("LABEL_QC1").create(assessors="xnat:qcManualAssessorData", use_label=True)

    assert session.id() == session.label() == "LABEL_MR1"
    assert session.parent().id() == "LABEL_S1"
    assert session.assessor("LABEL_QC1").id() == "LABEL_QC1"


def ids_are_given_where_none_is_asked_for(archive: Interface) -> None:
    session = archive.select(LEVELS.format("GIVEN")).create()

    assert session.id().startswith("XNAT_E")
    assert session.parent().id().startswith("XNAT_S")
    assert archive.select(f"/project/GIVEN/subject/{session.parent().id()}/experiment/{session.id()}").exists()


def shortcuts_at_creation(archive: Interface) -> None:
    subject = archive.select("/project/SHORT/subject/S1")
    subject.create(gender="female", yob="1970", handedness="left")
    scan = subject.experiment("MR1").scan("4")
    scan.create(scans="xnat:mrScanData", type="T1", quality="usable", series_description="MPRAGE")

    assert subject.attrs.mget(["gender", "yob", "handedness"]) == ["female", "1970", "left"]
    assert scan.attrs.mget(["type", "quality", "series_description"]) == ["T1", "usable", "MPRAGE"]


def from_an_xml_document(archive: Interface) -> None:
    document = archive.folder / "session.xml"
    document.write_text(
        '<xnat:MRSession xmlns:xnat="http://nrg.wustl.edu/xnat" project="FROM_XML">'
        "<xnat:date>2026-11-21</xnat:date><xnat:note>Écho</xnat:note>"
        '<xnat:scans><xnat:scan ID="1" type="T2" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:type="xnat:mrScanData"/></xnat:scans></xnat:MRSession>',
        encoding="utf-8",
    )
    archive.select("/project/FROM_XML").create()
    session = archive.select(LEVELS.format("FROM_XML"))

    session.create(xml=str(document))

    assert session.exists()
    assert session.parent().exists(), "the subject is made on the way"
    assert session.scan("1").exists()
    assert (session.attrs.get("date"), session.attrs.get("note")) == ("2026-11-21", "Écho")
    assert "Écho" in session.get().decode()


def xml_takes_away_only_when_it_may(archive: Interface) -> None:
    session = archive.select(LEVELS.format("LESS")).create(date="2026-11-21")
    document = archive.folder / "less.xml"
    document.write_text(
        '<xnat:MRSession xmlns:xnat="http://nrg.wustl.edu/xnat"><xnat:note>new</xnat:note></xnat:MRSession>'
    )

    session.create(xml=str(document), allowDataDeletion=False)
    assert session.attrs.mget(["date", "note"]) == ["2026-11-21", "new"]

    session.create(xml=str(document))
    assert session.attrs.mget(["date", "note"]) == ["", "new"]


def attributes_by_shortcut_and_by_path(archive: Interface) -> None:
    session = archive.select(LEVELS.format("ATTRS")).create()
    project, subject = archive.select.project("ATTRS"), session.parent()

    project.attrs.set("secondary_ID", "attributes")
    project.attrs.set("xnat:projectData/keywords", "test project")
    subject.attrs.set("age", "26")
    session.attrs.set("xnat:mrSessionData/age", "26")
    session.attrs.set("note", "a & b = c, 100 % + more")
    session.attrs.mset({"date": "2026-11-21", "xnat:mrSessionData/fieldStrength": "3.0"})

    assert project.attrs.get("secondary_ID") == "attributes"
    assert project.attrs.get("xnat:projectData/keywords") == "test project"
    assert subject.attrs.get("age") == "26"
    assert session.attrs.get("xnat:mrSessionData/age") == "26.0"
    assert session.attrs.get("note") == "a & b = c, 100 % + more"
    assert session.attrs.mget(["date", "xnat:mrSessionData/fieldStrength"]) == ["2026-11-21", "3.0"]


def attributes_of_scans_assessors_and_reconstructions(archive: Interface) -> None:
    session = archive.select(LEVELS.format("BELOW"))
    scan = session.scan("1").create()
    assessor = session.assessor("QC1").create(assessors="xnat:qcManualAssessorData")
    reconstruction = session.reconstruction("R1").create()

    scan.attrs.set("quality", "unusable")
    scan.attrs.set("xnat:mrScanData/parameters/te", "2.5")
    assessor.attrs.set("xnat:qcManualAssessorData/rater", "Grace")
    assessor.attrs.set("note", "seen")
    reconstruction.attrs.set("type", "filtered")

    assert scan.attrs.get("quality") == "unusable"
    assert scan.attrs.get("xnat:mrScanData/parameters/te") == "2.5"
    assert assessor.attrs.get("xnat:qcManualAssessorData/rater") == "Grace"
    assert assessor.attrs.get("note") == "seen"
    assert reconstruction.attrs.get("type") == "filtered"


def attributes_of_what_is_deep_in_the_type(archive: Interface) -> None:
    session = archive.select(LEVELS.format("DEEP")).create()
    session.attrs.set("xnat:mrSessionData/scanner/manufacturer", "Acme")
    session.attrs.set("xnat:mrSessionData/fields/field[name=visit]/field", "baseline")

    assert session.attrs.get("xnat:mrSessionData/scanner/manufacturer") == "Acme"
    assert session.xpath("//xnat:scanner/@manufacturer") == ["Acme"]
    assert "baseline" in "".join(session.xpath("//xnat:field[@name='visit']/text()"))


def the_xml_of_each(archive: Interface) -> None:
    session = archive.select(LEVELS.format("XML"))
    scan = session.scan("1").create()

    assert session.xpath("/xnat:MRSession/@label") == ["MR1"]
    assert session.xpath("//xnat:scan/@ID") == ["1"]
    assert scan.xpath("/xnat:MRScan/@ID") == ["1"]
    assert session.parent().xpath("/xnat:Subject/@label") == ["S1"]
    assert archive.select.project("XML").xpath("/xnat:Project/@ID") == ["XML"]


def parameters_of_a_scan(archive: Interface) -> None:
    scan = archive.select(LEVELS.format("PARAMS") + "/scan/1").create()
    scan.set_param("foo", "foostring")
    scan.set_param("bar", "1")

    assert scan.params() == ["foo", "bar"]
    assert scan.get_params() == ["foostring", "1"]
    assert scan.get_param("bar") == "1"


def parameters_of_an_assessor(archive: Interface) -> None:
    assessor = archive.select(LEVELS.format("APARAMS") + "/assessor/A1")
    assessor.create(assessors="xnat:qcAssessmentData")
    assessor.set_param("foo", "foostring")

    assert assessor.params() == ["foo"]
    assert assessor.get_params() == ["foostring"]


def provenance_of_an_assessor_and_a_reconstruction(archive: Interface) -> None:
    session = archive.select(LEVELS.format("PROV"))
    assessor = session.assessor("A1").create(assessors="xnat:qcAssessmentData")
    reconstruction = session.reconstruction("R1").create()
    for element in (assessor, reconstruction):
        element.provenance.set(
            {
                "program": "young",
                "program_version": "1.2",
                "timestamp": "2011-03-01T12:01:01",
                "user": "angus",
                "machine": "war",
                "platform": "linux",
            }
        )
        steps = element.provenance.get()
        assert [(step["program"], step["user"], step["machine"]) for step in steps] == [("young", "angus", "war")]


def a_custom_variable_is_declared(archive: Interface) -> None:
    """In a protocol that is there: the client fills those that a project has."""
    protocol = 'name="Subjects" ID="VARIABLES_S" data-type="xnat:subjectData" xsi:type="xnat:datatypeProtocol"'
    document = (
        '<xnat:Project ID="VARIABLES" xmlns:xnat="http://nrg.wustl.edu/xnat"'
        f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><xnat:studyProtocol {protocol}/></xnat:Project>'
    )
    archive.put("/data/projects/VARIABLES", data=document, headers={"Content-Type": "text/xml"}).raise_for_status()
    project = archive.select.project("VARIABLES")

    project.add_custom_variables({"Subjects": {"newgroup": {"foo": "string", "bar": "integer"}}})

    declared = project.get_custom_variables()
    assert declared["Subjects"]["newgroup"] == {"foo": "string", "bar": "integer"}, declared


def triggers(archive: Interface) -> None:
    session = archive.select(LEVELS.format("TRIGGER")).create()

    session.trigger(pipelines=True, fix_types=True, scan_headers=True)
    session.trigger_pipelines()
    session.fix_scan_types()
    session.pull_data_from_headers()


def deleting_at_every_level(archive: Interface) -> None:
    session = archive.select(LEVELS.format("DELETE"))
    session.scan("1").create()
    session.reconstruction("R1").create()
    session.assessor("A1").create(assessors="xnat:qcManualAssessorData")
    below = [session.scan("1"), session.reconstruction("R1"), session.assessor("A1")]

    for element in (*below, session, session.parent(), archive.select.project("DELETE")):
        assert element.exists(), element._uri
        element.delete()
        assert not element.exists(), element._uri
        refused(element.delete)


def deleting_without_the_files(archive: Interface) -> None:
    subject = archive.select("/project/KEPT/subject/S1").create()

    subject.delete(delete_files=False)

    assert not subject.exists()
    subject.create()
    assert subject.exists()


def mistakes_are_errors(archive: Interface) -> None:
    refused(archive.select("/project/WRONG/subject/S1/experiment/MR1").get)
    refused(lambda: archive.select(LEVELS.format("WRONG")).create(experiments="xnat:noSuchData"))
    refused(lambda: archive.select("/project/WRONG").create(**{"xnat:projectData/ID": "OTHER"}))
    refused(lambda: archive.select("/project/b%C3%A4d").create())
    assert not archive.select("/project/WRONG/subject/NOBODY").exists()
    assert archive.select("/project/NOWHERE/subjects").get() == []


def a_date_that_is_none_is_refused(archive: Interface) -> None:
    session = archive.select(LEVELS.format("DATES")).create()
    refused(lambda: session.attrs.set("date", "yesterday"))
    session.attrs.set("date", "11/21/2026")

    assert session.attrs.get("date") == "2026-11-21"
